// The words that processes of one cache say to each other: which keys and labels are outdated, never a value.
// Not the globals: jsdom, as Jest sets it up, has none.
import { TextDecoder, TextEncoder, types } from 'node:util'
import type { Label } from '../model/labels.js'
import { LONGEST_LEASE_MS } from '../model/limits.js'
import type { Bytes, Milliseconds } from '../model/ports.js'

/** A key or label that was invalidated, and for how long nothing that is loaded may be kept. */
export type Held = readonly [subject: string, holdMs: Milliseconds]

/** What one announcement says. Keys are local keys, which every process of the cache derives alike. */
export interface Announcement {
  /** Random id of the cache instance that speaks; it has applied this already and ignores its own. */
  readonly sender: string
  /** Deleted or overwritten, those of `heldKeys` included. */
  readonly keys: readonly string[]
  /** Softly expired. */
  readonly expiredKeys: readonly string[]
  /** Invalidated, those of `heldLabels` included. */
  readonly labels: readonly Label[]
  /** Softly expired labels with their new soft half. */
  readonly expiredLabels: readonly (readonly [label: Label, soft: string])[]
  /** Every key that begins with one of these was deleted. */
  readonly prefixes: readonly string[]
  readonly heldKeys: readonly Held[]
  readonly heldLabels: readonly Held[]
}

/** The wire version. A receiver ignores (with an event) what a later one says: unknown words may not be guessed at. */
const WIRE_VERSION = 1

/** Nobody of ours sends a larger one: many changes are announced in several. A single one always fits, since keys and tags are short. */
export const MAX_ANNOUNCEMENT_BYTES = 16 * 1024
/** What is not even parsed. Parsed, hostile bytes take a few hundred times their size in memory. */
const MAX_READ_BYTES = 4 * MAX_ANNOUNCEMENT_BYTES

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })

/** JSON keeps ill-formed UTF-16 (as escapes), needs no codec and can be read with redis-cli. Empty lists are left out. */
export function encodeAnnouncement(said: Announcement): Bytes {
  const words: Record<string, unknown> = { v: WIRE_VERSION, s: said.sender }
  const keys = without(said.keys, said.heldKeys)
  const labels = without(said.labels, said.heldLabels)
  if (keys.length > 0) words.k = keys
  if (said.expiredKeys.length > 0) words.e = said.expiredKeys
  if (labels.length > 0) words.l = labels
  if (said.expiredLabels.length > 0) words.x = said.expiredLabels
  if (said.prefixes.length > 0) words.p = said.prefixes
  if (said.heldKeys.length > 0) words.hk = said.heldKeys
  if (said.heldLabels.length > 0) words.hl = said.heldLabels
  return encoder.encode(JSON.stringify(words))
}

/**
 * Reads an announcement; a string says why it cannot be understood. Never throws, and its work is bounded by `MAX_READ_BYTES`: whoever
 * can write to the bus may have sent anything.
 */
export function decodeAnnouncement(bytes: Bytes): Announcement | string {
  if (!types.isUint8Array(bytes)) return 'what is not bytes'
  if (bytes.length > MAX_READ_BYTES) return `more than ${MAX_READ_BYTES} bytes`
  let words: unknown
  try {
    words = JSON.parse(decoder.decode(bytes))
  } catch {
    return 'what is not JSON'
  }
  if (words === null || typeof words !== 'object') return 'what is not an object'
  const { v, s, k = [], e = [], l = [], x = [], p = [], hk = [], hl = [] } = words as Record<string, unknown>
  if (v !== WIRE_VERSION) return `${versionIn(v)}, while this process speaks version ${WIRE_VERSION}`
  if (typeof s !== 'string' || s.length > MAX_SENDER_LENGTH) return 'no sender'
  if (!isStrings(k) || !isStrings(e) || !isStrings(l) || !isStrings(p)) return 'a list that is not of strings'
  if (!Array.isArray(x) || !x.every(isLabelAndSoft)) return 'softly expired labels that are not pairs'
  const heldKeys = heldIn(hk)
  const heldLabels = heldIn(hl)
  if (heldKeys === undefined || heldLabels === undefined) return 'holds that are not pairs'
  return {
    ...{ sender: s, expiredKeys: e, expiredLabels: x, prefixes: p, heldKeys, heldLabels },
    keys: [...without(k, heldKeys), ...heldKeys.map(subjectOf)],
    labels: [...without(l, heldLabels), ...heldLabels.map(subjectOf)],
  }
}

/** `subjects` without those that are held: they are said once. */
function without(subjects: readonly string[], held: readonly Held[]): readonly string[] {
  if (held.length === 0) return subjects
  const said = new Set(held.map(subjectOf))
  return subjects.filter((subject) => !said.has(subject))
}

function subjectOf([subject]: Held): string {
  return subject
}

/** Whatever a message says, nothing is held for longer than a cache may hold it. `undefined` if these are not pairs of a name and a time above 0. */
function heldIn(value: unknown): readonly Held[] | undefined {
  if (!Array.isArray(value) || !value.every(isHeld)) return undefined
  return value.map(([subject, holdMs]): Held => [subject, Math.min(holdMs, LONGEST_LEASE_MS)])
}

function isHeld(value: unknown): value is [string, number] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [subject, holdMs] = value
  return typeof subject === 'string' && typeof holdMs === 'number' && holdMs > 0
}

const MAX_SENDER_LENGTH = 100

/** Never `String(v)`: an object's own `toString` need not be a function. */
function versionIn(v: unknown): string {
  return typeof v === 'number' ? `version ${v}` : 'no version'
}

function isStrings(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string')
}

function isLabelAndSoft(value: unknown): value is [string, string] {
  if (!Array.isArray(value) || value.length !== 2) return false
  const [label, soft] = value
  return typeof label === 'string' && typeof soft === 'string' && /^[0-9a-f]{16}$/.test(soft)
}
