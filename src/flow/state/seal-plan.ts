// Everything that is needed to seal an entry for L2, and how long the entry lives.
import type { AtMs, IdleLife } from '../../model/entry.js'
import type { Space } from '../../model/keys/key.js'
import type { LabelSet } from '../../model/labels.js'
import type { Milliseconds } from '../../model/ports.js'

/** Every entry in Redis has an expiry. An endless one is kept this long after its last write. */
const LONGEST_KEEP_MS = 365 * 24 * 60 * 60 * 1_000

/** Everything that is needed to seal an entry. */
export interface SealPlan {
  readonly localKey: string
  readonly space: Space
  /** What readers get. */
  readonly value: unknown
  /** What L2 keeps: the input of the schema. */
  readonly input: unknown
  readonly life: Life
  readonly labels: LabelSet
  readonly loadMs: Milliseconds
  /** When it was created, on the local clock. */
  readonly createdAtMs: AtMs
  readonly etag: string | undefined
  /** Shared with the entry in L1, so that reads of either renew it. */
  readonly idle?: IdleLife | undefined
}

/** How long a value lives. The first three count from its creation, and each includes the one before. */
export interface Life {
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  /** How long an entry stays usable after it stopped being fresh early. */
  readonly staleIfErrorMs: Milliseconds
  /** How long an entry lives without a read; Infinity: no limit. If it is finite, it is shorter than `usableForMs`. */
  readonly idleForMs: Milliseconds
}

/** How long the store keeps an entry of this life at most, and how long its tokens have to live. */
export function keepMsOf(life: Life): Milliseconds {
  return Math.min(LONGEST_KEEP_MS, Math.max(1, Math.ceil(life.usableForMs)))
}

/** How long the store keeps a new entry of this life, if it is not read. */
export function unreadKeepMsOf(life: Life): Milliseconds {
  return Math.min(keepMsOf(life), life.idleForMs)
}
