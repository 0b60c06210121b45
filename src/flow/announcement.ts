// The words that processes of one cache say to each other: which keys and labels are outdated, never a value.
// Not the globals: jsdom, as Jest sets it up, has none.
import { TextDecoder, TextEncoder } from 'node:util'
import type { Label } from '../model/labels.js'
import type { Bytes } from '../model/ports.js'

/** What one announcement says. Keys are local keys, which every process of the cache derives alike. */
export interface Announcement {
  /** Random id of the cache instance that speaks; it has applied this already and ignores its own. */
  readonly sender: string
  /** Deleted or overwritten. */
  readonly keys: readonly string[]
  /** Softly expired. */
  readonly expiredKeys: readonly string[]
  readonly labels: readonly Label[]
  /** Softly expired labels with their new soft half. */
  readonly expiredLabels: readonly (readonly [label: Label, soft: string])[]
  /** Every key that begins with one of these was deleted. */
  readonly prefixes: readonly string[]
}

/** The wire version. A receiver ignores (with an event) what a later one says: unknown words may not be guessed at. */
const WIRE_VERSION = 1

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** JSON keeps ill-formed UTF-16 (as escapes), needs no codec and can be read with redis-cli. Empty lists are left out. */
export function encodeAnnouncement(said: Announcement): Bytes {
  const words: Record<string, unknown> = { v: WIRE_VERSION, s: said.sender }
  if (said.keys.length > 0) words.k = said.keys
  if (said.expiredKeys.length > 0) words.e = said.expiredKeys
  if (said.labels.length > 0) words.l = said.labels
  if (said.expiredLabels.length > 0) words.x = said.expiredLabels
  if (said.prefixes.length > 0) words.p = said.prefixes
  return encoder.encode(JSON.stringify(words))
}

/** Reads an announcement; a string says why it cannot be understood. Never throws: the bus is not trusted. */
export function decodeAnnouncement(bytes: Bytes): Announcement | string {
  let words: unknown
  try {
    words = JSON.parse(decoder.decode(bytes))
  } catch {
    return 'not JSON'
  }
  if (words === null || typeof words !== 'object') return 'not an object'
  const { v, s, k = [], e = [], l = [], x = [], p = [] } = words as Record<string, unknown>
  if (v !== WIRE_VERSION) return `version ${String(v).slice(0, 20)}, this process speaks ${WIRE_VERSION}`
  if (typeof s !== 'string') return 'no sender'
  if (!isStrings(k) || !isStrings(e) || !isStrings(l) || !isStrings(p)) return 'a list that is not of strings'
  if (!Array.isArray(x) || !x.every(isLabelAndSoft)) return 'softly expired labels that are not pairs'
  return { sender: s, keys: k, expiredKeys: e, labels: l, expiredLabels: x, prefixes: p }
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isLabelAndSoft(value: unknown): value is [string, string] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [label, soft] = value
  return typeof label === 'string' && typeof soft === 'string' && /^[0-9a-f]{16}$/.test(soft)
}
