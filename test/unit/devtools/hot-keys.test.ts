// The keys that are read most are found in bounded memory.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { HotKeys } from '../../../src/devtools/view/hot-keys.js'

describe('HotKeys', () => {
  test('counts exactly while there is room', () => {
    const hot = new HotKeys(3)
    for (const name of ['a', 'b', 'a', 'c', 'a', 'b']) hot.add(name)
    expect(hot.top(2)).toEqual([
      ['a', 3],
      ['b', 2],
    ])
    expect(hot.count('c')).toBe(1)
    hot.clear()
    expect(hot.top(10)).toEqual([])
  })

  test('never has more names than room, and no count is more than n / room too low, nor too high', () => {
    const names = fc.array(fc.integer({ min: 0, max: 30 }).map((n) => `k${Math.floor(Math.sqrt(n * n * n))}`))
    fc.assert(
      fc.property(names, fc.integer({ min: 1, max: 8 }), (list, room) => {
        const hot = new HotKeys(room)
        for (const name of list) hot.add(name)
        expect(hot.top(1_000).length).toBeLessThanOrEqual(room)
        for (const name of new Set(list)) {
          const exact = list.filter((each) => each === name).length
          expect(hot.count(name)).toBeLessThanOrEqual(exact)
          expect(hot.count(name)).toBeGreaterThanOrEqual(exact - list.length / room)
        }
      }),
    )
  })
})
