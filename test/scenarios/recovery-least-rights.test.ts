// The user that docs/guides/security.md proposes: it can do all that a cache does, and nothing else.
import { readFileSync } from 'node:fs'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { startRedis } from '../support/redis-server.js'
import { command } from '../support/resp.js'
import { waitFor } from '../support/wait.js'

/** The command as users copy it. */
function proposedUser(): string[] {
  const guide = readFileSync(new URL('../../docs/guides/security.md', import.meta.url), 'utf8')
  const line = /^\s*(ACL SETUSER shop .*)$/m.exec(guide)?.[1]
  if (line === undefined) throw new Error('the guide proposes no user')
  return line.trim().split(/\s+/)
}

test.each([undefined, 3])(
  'a cache of version %s works with it, in every verb, and recovers with it',
  async (version) => {
    await using server = await startRedis()
    await server.command(...proposedUser())
    const url = `redis://shop:secret@127.0.0.1:${server.port}`
    const breaker = { openFor: '100ms', maxOpenFor: '200ms' } as const
    const open = () => createCache({ name: 'shop', version, ttl: '1h', l2: redisTier(url, { ...PATIENT, breaker }) })
    await using a = open()
    await using b = open()
    const refusals: string[] = []
    for (const cache of [a, b])
      cache.on('degraded', ({ error }) => error.code === 'L2_MISCONFIGURED' && refusals.push(error.message))
    await waitFor('the bus being heard', () => a.stats().bus.trusted && b.stats().bus.trusted)

    const inner = a.namespace('inner', { version: 2 })
    expect(await inner.set('k', 1, { tags: ['t'] })).toBe('applied')
    expect(
      await a.setMany(
        [
          ['x', 1],
          ['y', 2],
          ['z', 3],
        ],
        { tags: ['t'] },
      ),
    ).toBe('applied')
    expect(await b.getMany(['x', 'y'])).toEqual([1, 2])
    expect(await b.getOrSet('loaded', () => 'v', { tags: ['other'] })).toBe('v')
    await b.drain()
    expect(await a.expire('x')).toBe('applied')
    expect(await a.delete('y')).toBe('applied')
    expect(await a.expireTags('other')).toBe('applied')
    expect(await a.invalidateTags('t')).toBe('applied')
    expect(await inner.clear()).toBe('applied')
    await waitFor('the other process hearing of it', () => b.peek('y') === undefined)

    let recovered = 0
    a.on('recovered', () => recovered++)
    await server.command('CLIENT', 'KILL', 'USER', 'shop')
    await waitFor('recovery', () => recovered > 0 && a.stats().l2.available && a.stats().bus.trusted)
    expect(await a.clear()).toBe('applied')
    expect(refusals).toEqual([])
  },
)

test('with the rights that the guide adds for it, the tracking bus works', async () => {
  await using server = await startRedis()
  await server.command(...proposedUser())
  const url = `redis://shop:secret@127.0.0.1:${server.port}`
  await using cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier(url, { ...PATIENT, bus: 'tracking' }) })
  expect(await cache.set('k', 1)).toBe('applied')
  const guide = readFileSync(new URL('../../docs/guides/security.md', import.meta.url), 'utf8')
  const rights = /needs `(\+subscribe [^`]*)`/.exec(guide)?.[1]?.split(' ') ?? []
  expect(cache.stats().bus.trusted).toBe(false)
  await server.command('ACL', 'SETUSER', 'shop', ...rights)
  await waitFor('the bus being heard', () => cache.stats().bus.trusted)
  await server.command('DEL', 'shop:k')
  await waitFor('the delete', async () => (await cache.get('k')) === undefined)
})

test('it can neither reach other keys nor harm the server', async () => {
  await using server = await startRedis()
  await server.command(...proposedUser())
  const asUser = async (...args: string[]) => {
    const { Redis } = await import('ioredis')
    const client = new Redis({ port: server.port, username: 'shop', password: 'secret' })
    try {
      return await client.call(args[0] as string, ...args.slice(1))
    } finally {
      client.disconnect()
    }
  }
  await command(server.port, ['SET', 'other:k', 'v'])
  for (const forbidden of [
    ['GET', 'other:k'],
    ['SET', 'shopping:k', 'v'],
    ['FLUSHALL'],
    ['KEYS', '*'],
    ['CONFIG', 'GET', '*'],
    ['SHUTDOWN'],
  ]) {
    await expect(asUser(...forbidden)).rejects.toThrow(/NOPERM/)
  }
  expect(await asUser('SET', 'shop:k', 'v')).toBe('OK')
})
