// Of a large L1 only a sample of the keys has ghosts, and it stands for all of them.
import { describe, expect, test } from 'vitest'
import { Ghosts, MAX_GHOSTS } from '../../src/tiers/ghosts.js'
import { entryUntil } from '../support/entry.js'

const entry = entryUntil(1, 1_000)
const always = () => true
const hitsOf = (ghosts: Ghosts) => ghosts.hits().map(({ hits }) => hits)

function* keysUpTo(count: number) {
  for (let i = 0; i < count; i++) yield `k${i}`
}

/** The ghosts of an L1 of `entries` entries that has evicted these keys, in this order. */
function evicting(keys: Iterable<string>, entries: number): Ghosts {
  const ghosts = new Ghosts()
  for (const key of keys) ghosts.evicted(key, entry, entries)
  return ghosts
}

describe('the sample', () => {
  test('is all keys while their ghosts are few', () => {
    const ghosts = evicting(keysUpTo(MAX_GHOSTS), 1_000)
    expect(ghosts.sample).toBe(1)
    expect(ghosts.size).toBe(3_000)
  })

  test('loses half of the keys whenever there would be too many ghosts, and each hit counts for those that left', () => {
    const ghosts = evicting(keysUpTo(200_000), 50_000)
    expect(ghosts.sample).toBe(1 / 16)
    expect(ghosts.size).toBeLessThanOrEqual(MAX_GHOSTS)
    expect(ghosts.size / ghosts.sample / 150_000).toBeCloseTo(1, 1)
    for (const key of keysUpTo(200_000)) ghosts.missed(key, always)
    const [twice, fourTimes] = hitsOf(ghosts) as [number, number]
    expect(twice / 50_000).toBeCloseTo(1, 1)
    expect(fourTimes / 150_000).toBeCloseTo(1, 1)
  })

  test('is spread evenly over keys that differ in their last characters only', () => {
    const ghosts = evicting(keysUpTo(100_000), 2 ** 24)
    expect(ghosts.size / ghosts.sample / 100_000).toBeCloseTo(1, 1)
  })
})
