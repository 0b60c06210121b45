import { describe, expect, test } from 'vitest'
import type { Flight } from '../../../../src/flow/flights/flight.js'
import { FlightTable } from '../../../../src/flow/flights/flight-table.js'

/** Flights that count how often their key is compared. */
class Looks {
  count = 0

  flight(key: string): Flight {
    const looked = () => {
      this.count++
      return key
    }
    return {
      nextInTable: undefined,
      get localKey() {
        return looked()
      },
    } as unknown as Flight
  }
}

describe('a table of flights', () => {
  test('finds each flight by its key', () => {
    const table = new FlightTable()
    const looks = new Looks()
    const flights = ['', 'a', 'b', 'ab', 'ba', 'é', '\ud800'].map((key) => looks.flight(key))
    for (const flight of flights) table.add(flight)
    for (const flight of flights) expect(table.get(flight.localKey)).toBe(flight)
    for (const flight of flights) table.delete(flight)
    expect(table.size).toBe(0)
  })

  test.each([
    ['share both ends', (i: number) => `${'a'.repeat(100)}${i}${'b'.repeat(100 - String(i).length)}`],
    ['differ in the high bits of their characters alone', (i: number) => bits(i, 14, 'a', String.fromCharCode(0x8061))],
    ['differ in one bit of one character', (i: number) => `${String.fromCharCode(i)}${'x'.repeat(40)}`],
    ['are permutations of few blocks', (i: number) => bits(i, 14, 'Aa', 'BB')],
  ])('compares few other keys if the keys %s', (_, keyOf) => {
    const table = new FlightTable()
    const looks = new Looks()
    const keys = Array.from({ length: 10_000 }, (__, i) => keyOf(i))
    for (const key of keys) table.add(looks.flight(key))
    looks.count = 0
    const notFound = keys.filter((key) => table.get(key) === undefined)
    expect(notFound).toEqual([])
    // A good hash needs about 1.3 comparisons; a single chain would need 5,000.
    expect(looks.count / keys.length).toBeLessThan(8)
  })
})

/** `count` blocks, each one of the two given. */
function bits(number: number, count: number, zero: string, one: string): string {
  return Array.from({ length: count }, (_, i) => ((number >> i) & 1 ? one : zero)).join('')
}
