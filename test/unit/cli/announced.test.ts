import type { InvalidatedEvent } from 'tiercache'
import { describe, expect, test } from 'vitest'
import { dataOf, lineOf } from '../../../src/cli/commands/announced-text.js'
import { concerns } from '../../../src/cli/commands/explain.js'
import { Counts, largest } from '../../../src/cli/commands/top.js'

function event(
  by: InvalidatedEvent['by'],
  scope: string,
  names: { keys?: string[]; tags?: string[] } = {},
): InvalidatedEvent {
  return { by, origin: 'remote', sender: 'web-1', scope, keys: names.keys ?? [], tags: names.tags ?? [] }
}

const announced = (...events: InvalidatedEvent[]) => ({ id: '1000-0', atMs: 1_000, events })

describe('an announcement as a line', () => {
  test('says when, what and who', () => {
    expect(lineOf(announced(event('invalidateTags', 'shop', { tags: ['org:7', 'a b'] })))).toBe(
      '1970-01-01T00:00:01.000Z  invalidateTags shop: org:7, "a b"  by web-1',
    )
  })

  test('has all that was announced together, and a few names of many', () => {
    const keys = Array.from({ length: 10 }, (_, i) => `k${i}`)
    expect(lineOf(announced(event('unknown', 'shop/users', { keys }), event('clear', 'shop/pages')))).toBe(
      '1970-01-01T00:00:01.000Z  set or delete shop/users: k0, k1, k2, k3, k4, k5, k6, k7 and 2 more; clear shop/pages  by web-1',
    )
  })

  test('of a stranger can neither steer a terminal nor end the command', () => {
    const strange = { ...announced(event('clear', 'a\u001b[2J')), atMs: 2 ** 64 }
    expect(lineOf(strange)).toBe('at no known time  clear "a\\u001b[2J"  by web-1')
  })

  test('that cannot be read says so', () => {
    expect(lineOf(announced())).toMatch(/cannot read/)
  })

  test('as data has every name', () => {
    expect(dataOf(announced(event('expire', 'shop', { keys: ['k'] })))).toEqual({
      id: '1000-0',
      at: '1970-01-01T00:00:01.000Z',
      sender: 'web-1',
      changes: [{ by: 'expire', scope: 'shop', keys: ['k'], tags: [] }],
    })
  })
})

describe('an announcement concerns a key', () => {
  const entry = {
    state: 'fresh' as const,
    ageMs: 0,
    freshForMs: 0,
    staleForMs: 0,
    usableForMs: 0,
    idleForMs: Number.POSITIVE_INFINITY,
    scopes: [],
  }
  const key = {
    key: '1',
    scope: 'shop/users@3',
    l2: { state: 'entry' as const, entry: { ...entry, tags: [{ tag: 'org:7', currency: 'current' as const }] } },
  }

  test.each([
    ['its name', event('unknown', 'shop/users@3', { keys: ['2', '1'] }), true],
    ['the same name elsewhere', event('unknown', 'shop', { keys: ['1'] }), false],
    ['its tag', event('invalidateTags', 'shop', { tags: ['org:7'] }), true],
    ['another tag', event('expireTags', 'shop', { tags: ['org:8'] }), false],
    ['its scope', event('clear', 'shop/users@3'), true],
    ['a scope around it', event('clear', 'shop'), true],
    ['a scope with a similar name', event('clear', 'shop/users'), false],
    ['a deletion by prefix in its scope', event('deleteByPrefix', 'shop/users@3'), true],
  ])('by %s', (_, said, does) => {
    expect(concerns(said, key)).toBe(does)
  })
})

test('announcements are counted by tag, key, scope and sender, and the most frequent come first', () => {
  const counts = new Counts()
  counts.add({ ...announced(event('invalidateTags', 'shop', { tags: ['a', 'b'] })), atMs: 1 })
  counts.add({
    ...announced(event('expireTags', 'shop', { tags: ['b'] }), event('unknown', 'shop', { keys: ['k'] })),
    atMs: 2,
  })
  counts.add({ ...announced(event('clear', 'shop/users')), atMs: 3 })
  expect(counts.announcements).toBe(3)
  expect(largest(counts.tags, 10)).toEqual([
    { name: 'b', times: 2, newestAtMs: 2 },
    { name: 'a', times: 1, newestAtMs: 1 },
  ])
  expect(largest(counts.keys, 10).map(({ name }) => name)).toEqual(['shop:k'])
  expect(largest(counts.scopes, 10).map(({ name }) => name)).toEqual(['clear shop/users'])
  expect(largest(counts.senders, 10)).toEqual([{ name: 'web-1', times: 3, newestAtMs: 3 }])
  expect(largest(counts.tags, 1)).toHaveLength(1)
})
