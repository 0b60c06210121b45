// Decoded label sets, kept so that entries with equal labels share one object and the work is done once.

import { asBuffer } from '../../model/as-buffer.js'
import { type Label, type LabelSet, NO_LABELS } from '../../model/labels.js'
import type { Bytes } from '../../model/ports.js'
import { readLabels } from './label-block.js'
import type { FieldReader } from './wire-fields.js'

/** Per generation of the table; there are two. */
const KEPT_SETS = 1000
/** Of all blocks of a generation; what is decoded takes some times as much. */
const KEPT_BYTES = 262_144
/** Larger blocks are decoded every time: so few entries have them that keeping them is no use. */
const LARGEST_KEPT_BYTES = 1024

/** Bounded: when the younger generation is full it becomes the older one, and the older one is forgotten. */
export class LabelTable {
  private younger = new Map<string, LabelSet>()
  private older = new Map<string, LabelSet>()
  private youngerBytes = 0
  /** The block that was read last, under which scopes, and what it says: most entries of a scope carry the same labels. */
  private readonly last = new Uint8Array(LARGEST_KEPT_BYTES)
  private lastBytes = 0
  private lastScopes: readonly Label[] | undefined
  private lastSet = NO_LABELS

  /** If the block that was read last stands here again, passes over it and returns its labels. */
  again(fields: FieldReader, scopeLabels: readonly Label[]): LabelSet | undefined {
    // Invariant: only under the very same scopes, since their names are not in the block. A block says itself where it ends.
    if (scopeLabels !== this.lastScopes) return undefined
    return fields.skipIfEqual(this.last, this.lastBytes) ? this.lastSet : undefined
  }

  /** The labels in `bytes` from `from` to `to`, a label block of the wire format. The first ones are `scopeLabels`. */
  read(bytes: Bytes, from: number, to: number, scopeLabels: readonly Label[]): LabelSet {
    if (to - from > LARGEST_KEPT_BYTES) return readLabels(bytes, from, scopeLabels)
    const block = asBuffer(bytes).toString('latin1', from, to)
    const known = this.younger.get(block) ?? this.older.get(block)
    const isKnown = known !== undefined && beginsWith(known.labels, scopeLabels)
    const labels = isKnown ? known : this.keep(block, readLabels(bytes, from, scopeLabels))
    for (let i = from; i < to; i++) this.last[i - from] = bytes[i]!
    this.lastBytes = to - from
    this.lastScopes = scopeLabels
    this.lastSet = labels
    return labels
  }

  private keep(block: string, labels: LabelSet): LabelSet {
    if (this.younger.size === KEPT_SETS || this.youngerBytes > KEPT_BYTES) {
      this.older = this.younger
      this.younger = new Map()
      this.youngerBytes = 0
    }
    this.youngerBytes += block.length
    this.younger.set(block, labels)
    return labels
  }
}

/** The same bytes under other scopes are other labels. */
function beginsWith(labels: readonly Label[], scopeLabels: readonly Label[]): boolean {
  for (let i = 0; i < scopeLabels.length; i++) if (labels[i] !== scopeLabels[i]) return false
  return true
}
