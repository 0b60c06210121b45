// What an entry is to be sealed with for L2, and how long it is good.
import type { AtMs } from '../../model/entry.js'
import type { Space } from '../../model/keys/key.js'
import type { LabelSet } from '../../model/labels.js'
import type { Milliseconds } from '../../model/ports.js'

/** In Redis every entry has an expiry; one without end is kept this long after its last write. */
const LONGEST_KEEP_MS = 365 * 24 * 60 * 60 * 1_000

/** What an entry is to be sealed with. */
export interface SealPlan {
  readonly localKey: string
  readonly space: Space
  /** What readers get. */
  readonly value: unknown
  /** What L2 keeps: what goes into the schema. */
  readonly input: unknown
  readonly life: Life
  readonly labels: LabelSet
  readonly loadMs: Milliseconds
  /** When it was created, on the local clock. */
  readonly createdAtMs: AtMs
  readonly etag: string | undefined
}

/** How long a value is good, counted from its creation; each includes the one before. */
export interface Life {
  readonly freshForMs: Milliseconds
  readonly staleForMs: Milliseconds
  readonly usableForMs: Milliseconds
  /** Of `usableForMs`, what remains of an entry that stops being fresh early. */
  readonly staleIfErrorMs: Milliseconds
}

/** How long the store is to keep an entry of this life. */
export function keepMsOf(life: Life): Milliseconds {
  return Math.min(LONGEST_KEEP_MS, Math.max(1, Math.ceil(life.usableForMs)))
}
