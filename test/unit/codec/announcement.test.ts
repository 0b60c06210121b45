import { describe, expect, test } from 'vitest'
import { decodeAnnouncement, encodeAnnouncement, MAX_ANNOUNCEMENT_BYTES } from '../../../src/codec/announcement.js'
import { partsOf, prefixAnnouncement } from '../../../src/flow/sync/announcement-parts.js'
import type { PendingChange } from '../../../src/flow/sync/pending-change.js'
import { childSpace, localKey, rootSpace } from '../../../src/model/keys/key.js'

const deletion = (key: string): PendingChange => ({
  subject: key,
  change: { op: 'delete', key },
  labels: [],
  plan: undefined,
})
const keysIn = (bytes: Uint8Array) => {
  const said = decodeAnnouncement(bytes)
  if (typeof said === 'string') throw new Error(said)
  return said
}

describe('an announcement', () => {
  test('is decoded to what was encoded', () => {
    const said = {
      sender: 'me',
      keys: ['k', '', '\0x', '\ud800'],
      expiredKeys: ['e'],
      labels: ['t:a', 'c:shop'],
      expiredLabels: [['t:b', '0123456789abcdef']] as const,
      prefixes: ['p'],
    }
    expect(decodeAnnouncement(encodeAnnouncement(said))).toEqual(said)
  })

  test.each([
    ['text instead of bytes', '{"v":1,"s":"x"}'],
    ['nothing', undefined],
    ['an object with a length that throws', Object.defineProperty({}, 'length', { get: () => fail() })],
    ['a proxy that throws', new Proxy(new Uint8Array(3), { get: () => fail() })],
  ])('that is %s is not understood, and nothing is thrown', (_, bytes) => {
    expect(decodeAnnouncement(bytes as Uint8Array)).toBe('what is not bytes')
  })

  test('that is larger than any of ours is not parsed', () => {
    const large = prefixAnnouncement('x', 'k'.repeat(70_000))
    expect(decodeAnnouncement(large)).toMatch(/^more than \d+ bytes$/)
  })
})

describe('the announcements of changes', () => {
  test('are one message if it fits', () => {
    const parts = partsOf('me', ['a', 'b'].map(deletion))
    expect(parts).toHaveLength(1)
    expect(keysIn(parts[0]!.announcement).keys).toEqual(['a', 'b'])
  })

  test('are several messages in order if one is not enough, each with the changes that it announces', () => {
    const keys = Array.from({ length: 1_000 }, (_, i) => `${i}:${'x'.repeat(100)}`)
    const parts = partsOf('me', keys.map(deletion))
    expect(parts.length).toBeGreaterThan(5)
    expect(parts.flatMap(({ pending: outgoing }) => outgoing.map(({ subject }) => subject))).toEqual(keys)
    for (const { pending: outgoing, announcement } of parts) {
      expect(announcement.length).toBeLessThanOrEqual(MAX_ANNOUNCEMENT_BYTES)
      expect(keysIn(announcement).keys).toEqual(outgoing.map(({ subject }) => subject))
    }
  })

  test('always fit, however much space their escapes take', () => {
    const longest = localKey(childSpace(rootSpace('n'.repeat(128)), 's'.repeat(128)), '\u0001'.repeat(1_000_000))
    const parts = partsOf('me', [longest, `t:${'\u0001'.repeat(1_024)}`, 'other'].map(deletion))
    for (const { announcement } of parts) expect(announcement.length).toBeLessThanOrEqual(MAX_ANNOUNCEMENT_BYTES)
    expect(prefixAnnouncement('me', '\u0001'.repeat(512)).length).toBeLessThanOrEqual(MAX_ANNOUNCEMENT_BYTES)
  })
})

function fail(): never {
  throw new Error('touched')
}
