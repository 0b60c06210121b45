// A write that is delayed in the network while its connection is replaced, and arrives after everything else, changes nothing.
import { Redis } from 'ioredis'
import { Redis as Redis5 } from 'ioredis5'
import { createCache } from 'tiercache'
import { type RedisTarget, redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { startProxy } from '../support/proxy.js'
import { startRedis } from '../support/redis-server.js'
import { sleep, waitFor } from '../support/wait.js'

const breaker = { openFor: '100ms', maxOpenFor: '200ms' } as const

test.each([
  ['ioredis 6', (port: number) => new Redis(port)],
  ['ioredis 6 that does not send again', (port: number) => new Redis(port, { autoResendUnfulfilledCommands: false })],
  ['ioredis 5', (port: number) => new Redis5(port) as unknown as Redis],
])('a value of set() that reaches Redis after a later deletion is not stored (%s)', async (_, connect) => {
  await using server = await startRedis()
  await using proxy = await startProxy(server.port)
  const client = connect(proxy.port)
  client.on('error', () => undefined)
  const open = (target: RedisTarget) => createCache({ name: 'shop', ttl: '1h', l2: redisTier(target, { breaker }) })
  await using a = open(client)
  await using b = open(server.url)
  await waitFor('the bus being heard', () => a.stats().bus.trusted && b.stats().bus.trusted)
  // Now the tokens are known, so the next value is sent at once.
  await Promise.all([a.set('warm', 1), b.set('warm', 1)])

  proxy.hold('requests')
  expect(await a.set('k', 'late')).toBe('queued')
  // The application's client gets a new connection, while what it sent is still in flight.
  proxy.passNew()
  client.stream.destroy()
  await waitFor('recovery', () => a.stats().l2.available && a.stats().l2.waiting === 0)
  expect(await a.delete('k')).toBe('applied')
  await proxy.restore()
  await sleep(300)
  expect(await b.get('k')).toBeUndefined()
  expect(await server.command('GET', 'shop:k')).toBeNull()
  client.disconnect()
})
