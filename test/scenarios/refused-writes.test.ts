// A user of Redis that may read but not write: the outage is reported once with its cause, and ends when the right is given.
import { type Cache, type CacheError, createCache } from 'tiercache'
import { type RedisTierOptions, redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { PATIENT } from '../support/patient.js'
import { startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const breaker = { openFor: '50ms', maxOpenFor: '200ms' } as const

function open(port: number, options: RedisTierOptions) {
  const l2 = redisTier(`redis://shop:secret@127.0.0.1:${port}`, { ...PATIENT, breaker, ...options })
  const cache = createCache({ name: 'shop', ttl: '1h', logger: false, l2 })
  const reported: CacheError[] = []
  let recoveries = 0
  cache.on('degraded', ({ error }) => reported.push(error))
  cache.on('recovered', () => recoveries++)
  return { cache, reported, recoveries: () => recoveries }
}

type Verb = 'set' | 'setMany' | 'delete' | 'invalidateTags'
const calls: Readonly<Record<Verb, (cache: Cache) => Promise<unknown>>> = {
  set: (cache) => cache.set('k', 2),
  setMany: (cache) => cache.setMany([['k', 2] as const, ['other', 3] as const]),
  delete: (cache) => cache.delete('k'),
  invalidateTags: (cache) => cache.invalidateTags('t'),
}

const cases: [verb: Verb, right: string, bus: RedisTierOptions['bus']][] = [
  ['set', 'set', 'stream'],
  ['set', 'set', 'tracking'],
  ['set', 'set', false],
  ['setMany', 'set', 'stream'],
  ['delete', 'unlink', 'stream'],
  ['invalidateTags', 'unlink', 'stream'],
]

test.each(cases)('%s without the right to %s, with bus %s', async (verb, right, bus) => {
  const write = calls[verb]
  await using server = await startRedis()
  await server.command('ACL', 'SETUSER', 'shop', 'on', '>secret', '~*', '&*', '+@all')
  const { cache, reported, recoveries } = open(server.port, { bus })
  try {
    await cache.ready()
    expect(await cache.set('k', 1, { tags: ['t'] })).toBe('applied')
    await server.command('ACL', 'SETUSER', 'shop', `-${right}`)
    expect(await write(cache)).toBe('queued')
    await waitFor('the report', () => reported.length > 0)
    const text = expect.stringMatching(/can't run this command|permission/i)
    expect(reported[0]).toMatchObject({
      code: 'L2_MISCONFIGURED',
      message: text,
      cause: expect.objectContaining({ message: text }),
    })
    expect(cache.health().detail.outage).toBe(reported[0]?.message)
    // The breaker tries again meanwhile.
    const failures = cache.stats().l2Failures
    await waitFor('more trials', () => cache.stats().l2Failures > failures + 2)
    expect(reported).toHaveLength(1)
    expect(recoveries()).toBe(0)
    await server.command('ACL', 'SETUSER', 'shop', `+${right}`)
    await waitFor('the end of the outage', () => recoveries() === 1 && cache.stats().l2.waiting === 0)
    expect(await write(cache)).toBe('applied')
    expect(reported).toHaveLength(1)
  } finally {
    await cache.close()
  }
})
