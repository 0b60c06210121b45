// Everything that is needed to seal an entry for L2, and how long the entry lives.
import type { AtMs } from '../../model/entry.js'
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
}

/** How long a value lives. The first three count from its creation, and each includes the one before. */
export interface Life {
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  /** How long an entry stays usable after it stopped being fresh early. */
  readonly staleIfErrorMs: Milliseconds
}

/** How long the store keeps an entry of this life. */
export function keepMsOf(life: Life): Milliseconds {
  return Math.min(LONGEST_KEEP_MS, Math.max(1, Math.ceil(life.usableForMs)))
}
