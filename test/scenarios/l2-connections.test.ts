// How a cache connects to Redis: with the application's own client, which it never closes, or with one that the SDK opens and closes.
import * as ioredis6 from 'ioredis'
import * as ioredis5 from 'ioredis5'
import * as iovalkey from 'iovalkey'
import { createCache } from 'tiercache'
import type { TierDefinition } from 'tiercache/ports'
import { redisTier } from 'tiercache/redis'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { PATIENT } from '../support/patient.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
})

afterAll(() => server.stop())

const values = [undefined, null, 0, '', false, -0, 2n ** 70n, new Date(0), new Map([[{ a: 1 }, new Set([1])]])]

/** The connections of clients, without the one that counts them. */
async function connections(): Promise<number> {
  const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'normal'))
  return list.split('\n').filter((line) => line !== '' && !line.includes('cmd=client')).length
}

async function works(l2: TierDefinition, name: string): Promise<void> {
  const a = createCache({ name, l2 })
  const b = createCache({ name, l2: redisTier(server.url, PATIENT) })
  for (const [i, value] of values.entries()) expect(await a.set(`k${i}`, value)).toBe('applied')
  const keys = values.map((_, i) => `k${i}`)
  expect(await b.getMany(keys)).toStrictEqual(values)
  let loads = 0
  const load = async () => ++loads
  expect(await Promise.all([a.getOrSet('one', load), b.getOrSet('one', load)])).toEqual([1, 1])
  await a.delete('k1')
  await waitFor('the other process to hear of it', async () => !(await b.has('k1')))
  await Promise.all([a.close(), b.close()])
}

describe('a connection', () => {
  test.each([
    ['ioredis 6', ioredis6],
    ['ioredis 5', ioredis5 as unknown as typeof ioredis6],
    ['iovalkey', iovalkey as unknown as typeof ioredis6],
  ])('of the application, made with %s, is used as it is and stays open', async (library, { Redis }) => {
    const client = new Redis(server.port, server.host)
    const options = JSON.stringify(client.options)
    await works(redisTier(client, PATIENT), library.replace(' ', ''))
    expect(await client.ping()).toBe('PONG')
    expect(JSON.stringify(client.options)).toBe(options)
    client.disconnect()
  })

  test('may be given as a URL or as options; it is then closed with the cache', async () => {
    await waitFor('other connections to be gone', async () => (await connections()) === 0)
    await works(redisTier(server.url, PATIENT), 'url')
    await works(redisTier({ url: server.url, connectionName: 'shop' }, PATIENT), 'url-with-options')
    await works(redisTier(Object.freeze({ host: server.host, port: server.port }), PATIENT), 'options')
    await waitFor('every connection to be closed', async () => (await connections()) === 0)
  })

  test('is not opened before the cache is created, nor if the options are wrong', async () => {
    const tier = redisTier(server.url, { timeout: '1s' })
    expect(() => createCache({ l2: { ...tier, leaseTtl: 'soon' as never } })).toThrow(/leaseTtl must be a duration/)
    expect(() => createCache({ l2: tier, name: 'a b' })).toThrow(/name must be/)
    expect(await connections()).toBe(0)
  })

  test('does not keep a process alive once the cache is closed', async () => {
    const program = startChild(new URL('./programs/ends-after-close.ts', import.meta.url), {
      env: { REDIS_URL: server.url },
    })
    expect(await program.exit, program.stderr).toEqual({ code: 0, signal: null })
    // 'queued' if a busy machine needed longer than the timeout to connect.
    expect(program.stdout).toMatch(/^(applied|queued) 1\n$/)
    expect(program.stderr).toBe('')
  })
})
