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
const heldDeletion = (key: string, holdMs: number) =>
  ({ op: 'delete', key, hold: { fence: Buffer.alloc(20), keepMs: holdMs } }) as const
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
      heldKeys: [['', 5_000]] as const,
      heldLabels: [['c:shop', 250]] as const,
    }
    const { keys, labels, ...others } = keysIn(encodeAnnouncement(said))
    expect(others).toEqual({
      ...{ sender: 'me', expiredKeys: ['e'], expiredLabels: said.expiredLabels, prefixes: ['p'] },
      ...{ heldKeys: [['', 5_000]], heldLabels: [['c:shop', 250]] },
    })
    expect([new Set(keys), new Set(labels)]).toEqual([new Set(said.keys), new Set(said.labels)])
  })

  test('names what is held once', () => {
    const bytes = partsOf('me', [{ ...deletion('k'), change: heldDeletion('k', 5_000) }])[0]?.announcement as Uint8Array
    expect(JSON.parse(Buffer.from(bytes).toString())).toEqual({ v: 1, s: 'me', hk: [['k', 5_000]] })
    expect(keysIn(bytes)).toMatchObject({ keys: ['k'], heldKeys: [['k', 5_000]] })
  })

  test('holds nothing for longer than a cache may', () => {
    const bytes = Buffer.from('{"v":1,"s":"x","hk":[["k",1e400]],"hl":[["t:a",600001],["t:b",3]]}')
    expect(keysIn(bytes)).toMatchObject({
      ...{ keys: ['k'], labels: ['t:a', 't:b'] },
      ...{
        heldKeys: [['k', 600_000]],
        heldLabels: [
          ['t:a', 600_000],
          ['t:b', 3],
        ],
      },
    })
  })

  test.each(['5', '[["k"]]', '[["k",0]]', '[["k",-1]]', '[["k","5"]]', '[[5,"k"]]', '[null]', '{}'])(
    'that holds %s is not understood',
    (holds) => {
      const bytes = Buffer.from(`{"v":1,"s":"x","hk":${holds}}`)
      expect(decodeAnnouncement(bytes)).toBe('holds that are not pairs')
    },
  )

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
