import { describe, expect, test } from 'vitest'
import { IdleLife } from '../../../src/model/entry.js'
import { Ghosts } from '../../../src/tiers/ghosts.js'
import { entryUntil } from '../../support/entry.js'

const entry = entryUntil(1, 1_000)
const always = () => true
const never = () => false
const hitsOf = (ghosts: Ghosts) => ghosts.hits().map(({ hits }) => hits)

/** The ghosts of an L1 of `entries` entries that has evicted these keys, in this order. */
function evicting(keys: Iterable<string>, entries: number): Ghosts {
  const ghosts = new Ghosts()
  for (const key of keys) ghosts.evicted(key, entry, entries)
  return ghosts
}

describe('the ghosts of an L1 of two entries', () => {
  test('tell what twice and four times the entries would have had, by how many were evicted since', () => {
    const ghosts = evicting(['lost', 'a', 'b', 'c', 'd', 'e', 'f'], 2)
    ghosts.missed('lost', always)
    expect(hitsOf(ghosts)).toEqual([0, 0])
    ghosts.missed('f', always)
    ghosts.missed('e', always)
    expect(hitsOf(ghosts)).toEqual([2, 2])
    for (const key of ['d', 'c', 'b', 'a']) ghosts.missed(key, always)
    expect(hitsOf(ghosts)).toEqual([2, 6])
  })

  test('a key that L1 has again is no ghost, and makes room for the one that is evicted for it', () => {
    const ghosts = evicting(['a', 'b'], 2)
    ghosts.forget('a')
    ghosts.evicted('c', entry, 2)
    ghosts.missed('a', always)
    ghosts.missed('b', always)
    expect(hitsOf(ghosts)).toEqual([1, 1])
    expect(ghosts.size).toBe(2)
  })

  test('a key is found as long as its load runs, by each of its readers', () => {
    const ghosts = evicting(['a'], 2)
    for (let i = 0; i < 3; i++) ghosts.missed('a', always)
    expect(hitsOf(ghosts)).toEqual([3, 3])
  })

  test('an entry that would not be served any more is no hit, and its ghost goes', () => {
    const ghosts = evicting(['a'], 2)
    ghosts.missed('a', never)
    ghosts.missed('a', always)
    expect(hitsOf(ghosts)).toEqual([0, 0])
    expect(ghosts.size).toBe(0)
  })

  test('it is asked with the end of the entry, and its labels', () => {
    const ghosts = new Ghosts()
    ghosts.evicted('a', entry, 2)
    ghosts.evicted('b', entryUntil(1, 1_000, { idle: new IdleLife(300, 1_000, 0) }), 2)
    const asked: unknown[] = []
    for (const key of ['a', 'b']) ghosts.missed(key, ({ untilMs, labels }) => asked.push(untilMs, labels) > 0)
    expect(asked).toEqual([entry.staleUntilMs, entry.labels, 300, entry.labels])
  })
})
