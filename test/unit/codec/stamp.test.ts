import { describe, expect, test } from 'vitest'
import {
  expiredAgoMs,
  FORMAT_VERSION,
  hasChecksum,
  newExpiredStamp,
  newStamp,
  renewedStamp,
  STAMP_BYTES,
  type StampState,
  stampOf,
  stampProblem,
  stateOf,
  writeStamp,
} from '../../../src/codec/envelope/stamp.js'

const STATES: StampState[] = ['lease', 'live', 'expired', 'fence']

describe('a stamp', () => {
  test.each(STATES)('says that it is a %s', (state) => {
    expect(newStamp(state)).toHaveLength(STAMP_BYTES)
    expect(stateOf(newStamp(state))).toBe(state)
  })

  test('is laid out as the wire format says', () => {
    const stamp = newStamp('expired')
    expect([...stamp.subarray(0, 4)]).toEqual([0xc7, 0x1e, FORMAT_VERSION, 2])
  })

  test('never repeats over many draws from the pool of random bytes', () => {
    const stamps = new Set(Array.from({ length: 5000 }, () => newStamp('lease').toString('hex')))
    expect(stamps.size).toBe(5000)
  })

  test('is random in every byte of its generation', () => {
    const stamps = Array.from({ length: 2000 }, () => newStamp('lease'))
    for (let byte = 4; byte < 12; byte++) expect(new Set(stamps.map((stamp) => stamp[byte])).size).toBeGreaterThan(200)
  })

  test('is found at the start of longer bytes, and copied from them', () => {
    const bytes = Buffer.alloc(100, 9)
    writeStamp(bytes, 'live')
    expect(stateOf(bytes)).toBe('live')
    const stamp = stampOf(bytes)
    bytes.fill(0)
    expect(stateOf(stamp)).toBe('live')
    expect(stamp).toHaveLength(STAMP_BYTES)
  })
})

describe('bytes that are not a stamp', () => {
  test('include a stamp with any bit flipped', () => {
    for (const state of STATES) {
      const stamp = newStamp(state)
      for (let bit = 0; bit < STAMP_BYTES * 8; bit++) {
        const flipped = Buffer.from(stamp)
        flipped[bit >> 3] = flipped[bit >> 3]! ^ (1 << (bit & 7))
        // The reader of the entry verifies the checksum of a soft expiry.
        expect([undefined, 'expired']).toContain(stateOf(flipped))
        expect(stateOf(flipped) === undefined || !hasChecksum(flipped)).toBe(true)
      }
    }
  })

  test('include a truncated stamp', () => {
    const stamp = newStamp('live')
    for (let length = 0; length < STAMP_BYTES; length++) {
      expect(stateOf(stamp.subarray(0, length))).toBeUndefined()
      expect(stampProblem(stamp.subarray(0, length))).toBe('foreign')
    }
  })

  test('include a stamp with an unknown state, even if its checksum fits', () => {
    const stamp = newStamp('fence')
    writeStamp(stamp, 'unheard of' as StampState)
    expect(stateOf(stamp)).toBeUndefined()
  })

  test('are reported as foreign, as damaged or as of a later format', () => {
    const later = newStamp('live')
    later[2] = FORMAT_VERSION + 1
    const damaged = newStamp('live')
    damaged[5] = damaged[5]! ^ 1
    expect(stampProblem(later)).toBe('later-format')
    expect(stampProblem(damaged)).toBe('damaged-stamp')
    expect(stampProblem(Buffer.from('{"json":"of somebody else"}'))).toBe('foreign')
  })
})

describe('the stamp of a soft expiry', () => {
  const AT_MS = 1_700_000_000_000
  const HOUR_MS = 3_600_000

  test('is intact, differs from every other one, and holds the time of the expiry to a tenth of a second', () => {
    const stamp = newExpiredStamp(AT_MS + 57)
    expect(stateOf(stamp)).toBe('expired')
    expect(newExpiredStamp(AT_MS + 57).equals(stamp)).toBe(false)
    expect(expiredAgoMs(stamp, AT_MS + 5_099, HOUR_MS)).toBe(5_000)
    expect(expiredAgoMs(stamp, AT_MS + 99, HOUR_MS)).toBe(0)
  })

  test('keeps that time when the same expiry is published again', () => {
    const stamp = newExpiredStamp(AT_MS)
    const renewed = renewedStamp(stamp)
    expect(stateOf(renewed)).toBe('expired')
    expect(renewed.equals(stamp)).toBe(false)
    expect(expiredAgoMs(renewed, AT_MS + 5_000, HOUR_MS)).toBe(5_000)
  })

  test('counts as of now if the clock of its process is a little ahead', () => {
    expect(expiredAgoMs(newExpiredStamp(AT_MS + 2_000), AT_MS, HOUR_MS)).toBe(0)
  })

  test('is refused if its time is before the entry: an older release wrote random bytes there', () => {
    expect(expiredAgoMs(newExpiredStamp(AT_MS - 2 * HOUR_MS), AT_MS, HOUR_MS)).toBeUndefined()
    expect(expiredAgoMs(newExpiredStamp(AT_MS + 2 * HOUR_MS), AT_MS, HOUR_MS)).toBeUndefined()
  })

  test('works across the overflow of its 32 bits', () => {
    const endMs = 4 * 2 ** 32 * 100
    expect(expiredAgoMs(newExpiredStamp(endMs - 3_000), endMs + 2_000, HOUR_MS)).toBe(5_000)
  })
})
