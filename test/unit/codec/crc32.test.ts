import { crc32 as native } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { crc32, crc32OfRange } from '../../../src/codec/envelope/crc32.js'
import { crc32OfKey, FullKey, KeyPrefix, keyBytes } from '../../../src/codec/envelope/key-bytes.js'

const bytes = Buffer.from(Array.from({ length: 1000 }, (_, i) => (i * 31 + (i >> 3)) & 0xff))

describe('crc32', () => {
  test('is the CRC-32 of zip and png', () => {
    expect(crc32(Buffer.from('123456789'))).toBe(0xcbf43926)
    expect(crc32OfRange(Buffer.from('123456789'), 0, 9)).toBe(0xcbf43926)
    expect(crc32(new Uint8Array(0))).toBe(0)
  })

  test('has the same result by table and by Node for every length, also beyond the length at which we switch', () => {
    for (let length = 0; length <= 200; length++) {
      const part = bytes.subarray(0, length)
      expect(crc32OfRange(part, 0, length)).toBe(crc32(part))
      // Node 20 has no crc32 of its own before 20.15.
      if (native !== undefined) expect(crc32(part)).toBe(native(part))
    }
  })

  test('can be continued', () => {
    const whole = crc32(bytes)
    for (const cut of [0, 1, 63, 64, 65, 500, 1000]) {
      expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(whole)
      expect(crc32OfRange(bytes, cut, 1000, crc32OfRange(bytes, 0, cut))).toBe(whole)
    }
  })

  test('from a place on is that of the rest, on both sides of the length at which we switch', () => {
    for (let from = 0; from <= 1000; from++) {
      expect(crc32(bytes, 7, from)).toBe(crc32OfRange(bytes, from, 1000, 7))
    }
  })

  test('of a range ignores the bytes around it', () => {
    expect(crc32OfRange(bytes, 10, 20)).toBe(crc32(bytes.subarray(10, 20)))
  })
})

describe('crc32OfKey', () => {
  test.each([
    '',
    'a',
    'shop:user:1',
    'é',
    'x'.repeat(48),
    'x'.repeat(49),
    '日本'.repeat(100),
    'x\ud800',
    '\udc00'.repeat(60),
  ])('is the one of the bytes of the key: %j', (key) => {
    expect(crc32OfKey(key)).toBe(crc32(keyBytes(key)))
  })

  test('differs for two ill-formed keys that UTF-8 would make equal', () => {
    expect(crc32OfKey('x\ud800')).not.toBe(crc32OfKey('x\ud801'))
    expect(crc32OfKey('x\ud800')).not.toBe(crc32OfKey('x\ufffd'))
  })
})

describe('a full key in two parts', () => {
  const prefix = new KeyPrefix('shop:')

  test.each(['', 'user:1', 'é', 'x'.repeat(64), 'x'.repeat(65), '日本'.repeat(100), 'x\ud800'])(
    'has the text and the checksum of the joined key: %j',
    (rest) => {
      const key = new FullKey(prefix, rest)
      expect(key.text).toBe(`shop:${rest}`)
      expect(key.crc).toBe(crc32(keyBytes(`shop:${rest}`)))
    },
  )
})
