// How many commands L2 gets: the operations of one tick travel together. The same on a real server: test/scenarios/budget.test.ts.
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing, type Process } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

const keys = Array.from({ length: 100 }, (_, i) => `k${i}`)

/** Learns the tokens of the cache's entries, so that the following calls cost what they cost in a running process. */
async function warm({ cache, tier }: Process): Promise<void> {
  await cache.set('warm', 1, { tags: ['t'] })
  await cache.get('warm', { tiers: 'l2' })
  tier.link.resetCounts()
}

function sent({ tier }: Process): Record<string, number> {
  const names = ['read', 'claim', 'swap', 'extend', 'apply', 'readTokens', 'ensureTokens']
  const counted = names.map((name) => [name, tier.link.count(name)] as const).filter(([, count]) => count > 0)
  return Object.fromEntries(counted)
}

describe('the commands that L2 gets', () => {
  test('for a hit in memory: none, with tags or without', async () => {
    const { a } = await fleet()
    await warm(a)
    await a.cache.getOrSet('warm', () => 2)
    await a.cache.getOrSet('warm', () => 2, { tags: ['t'] })
    await a.cache.get('warm')
    expect(sent(a)).toEqual({})
  })

  test('for a hit in L2: one read, with tags or without', async () => {
    const { a, b } = await fleet()
    await warm(b)
    await a.cache.set('plain', 1)
    await a.cache.set('tagged', 1, { tags: ['t'] })
    await b.cache.getOrSet('plain', () => 2)
    expect(sent(b)).toEqual({ read: 1 })
    await b.cache.getOrSet('tagged', () => 2, { tags: ['t'] })
    expect(sent(b)).toEqual({ read: 2 })
  })

  test('for a hit in L2 with unknown tokens: one more read, whatever the number of tags', async () => {
    const { a, b } = await fleet()
    await warm(b)
    const tags = Array.from({ length: 10 }, (_, i) => `tag${i}`)
    await a.cache.set('k', 1, { tags })
    await b.cache.get('k')
    expect(sent(b)).toEqual({ read: 1, readTokens: 1 })
  })

  test('for a miss: a read and a claim before the load, and one fill after it', async () => {
    const { a } = await fleet()
    await warm(a)
    let before: unknown
    await a.cache.getOrSet('k', () => {
      before = sent(a)
      return 1
    })
    expect(before).toEqual({ read: 1, claim: 1 })
    await a.cache.drain()
    expect(sent(a)).toEqual({ read: 1, claim: 1, swap: 1 })
  })

  test('for set, delete, expire, invalidateTags, expireTags and clear: one change each, with its announcement', async () => {
    const { a } = await fleet()
    await warm(a)
    const verbs = [
      () => a.cache.set('k', 1, { tags: ['t'] }),
      () => a.cache.delete('k'),
      () => a.cache.expire('k'),
      () => a.cache.invalidateTags(['t']),
      () => a.cache.expireTags(['t']),
      () => a.cache.clear(),
    ]
    for (const verb of verbs) {
      await verb()
      expect(sent(a)).toEqual({ apply: 1 })
      a.tier.link.resetCounts()
    }
  })
})

describe('operations of one tick', () => {
  test('send a hundred reads as one', async () => {
    const { a, b } = await fleet()
    await a.cache.setMany(keys.map((key) => [key, key] as const))
    await warm(b)
    const mixed = keys.map((key, i) => (i % 2 ? b.cache.get(key) : b.cache.getOrSet(key, () => 'never')))
    expect(await Promise.all(mixed)).toEqual(keys)
    expect(sent(b)).toEqual({ read: 1 })
  })

  test('include the reads that continuations of the tick add', async () => {
    const { a, b } = await fleet()
    await a.cache.setMany(keys.map((key) => [key, key] as const))
    await warm(b)
    const later = async (key: string) => {
      await undefined
      return b.cache.get(key)
    }
    expect(await Promise.all(keys.map(later))).toEqual(keys)
    expect(sent(b)).toEqual({ read: 1 })
  })

  test('of two ticks are two reads', async () => {
    const { b } = await fleet()
    await warm(b)
    const first = b.cache.get('a')
    await settle()
    await Promise.all([first, b.cache.get('b')])
    expect(sent(b)).toEqual({ read: 2 })
  })

  test('read the tokens of a hundred entries in one command', async () => {
    const { a, b } = await fleet()
    await a.cache.setMany(
      keys.map((key) => [key, key] as const),
      { tags: (value) => [`tag ${value}`] },
    )
    await warm(b)
    await Promise.all(keys.map((key) => b.cache.get(key)))
    expect(sent(b)).toEqual({ read: 1, readTokens: 1 })
  })

  test('send a hundred writes and invalidations as one change with one announcement', async () => {
    const { a, b, clock } = await fleet()
    await warm(a)
    const heard: [verb: string, subjects: number][] = []
    b.cache.on('invalidated', ({ by, keys: named, tags }) => heard.push([by, named.length + tags.length]))
    await Promise.all([
      ...keys.map((key) => a.cache.set(key, 1)),
      a.cache.delete('gone'),
      a.cache.invalidateTags(['t']),
    ])
    expect(sent(a)).toEqual({ apply: 1 })
    await clock.advance(1)
    expect(heard).toEqual([
      ['unknown', 101],
      ['invalidateTags', 1],
    ])
  })

  test('send setMany as one change', async () => {
    const { a, b } = await fleet()
    await warm(a)
    expect(await a.cache.setMany(keys.map((key) => [key, key] as const))).toBe('applied')
    expect(sent(a)).toEqual({ apply: 1 })
    expect(await b.cache.getMany(keys)).toEqual(keys)
  })

  test('leave the last one of several changes of a key', async () => {
    const { a, b, clock } = await fleet()
    await warm(a)
    await Promise.all([a.cache.set('k', 1), a.cache.delete('k'), a.cache.set('k', 2)])
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual([2, 2])
  })
})
