// The chunks of a recording in L2: envelopes like those of entries, so that they are checked, compressed and encrypted in the same way.
import { StoredEntry } from '../../codec/envelope/envelope.js'
import { type Label, type LabelSet, NO_LABELS } from '../../model/labels.js'
import type { Bytes, RecordingName } from '../../model/ports.js'
import type { Remote } from '../core.js'

/**
 * How a stream ended: `stored` if its entry follows, `whole` if it ended well and is not stored, else that it failed. Whoever reads along
 * gets a stream that ended well; only one that is stored is given to somebody who comes after its end.
 */
export type RecordedEnd = 'stored' | 'whole' | 'failed'

export interface Chunk {
  /** Packed frames. */
  readonly frames: Bytes
  readonly end?: RecordedEnd | undefined
}

const ENDS: readonly unknown[] = ['stored', 'whole', 'failed', undefined]

/** What the chunks of a recording have in common. */
export interface ChunkContext {
  readonly remote: Remote
  readonly name: RecordingName
  /** The scopes of its entry. */
  readonly scopeLabels: readonly Label[]
}

/** The key that a chunk is bound to. No entry has it: `#` is in no scope. */
function keyOf({ key, id }: RecordingName, index: number): string {
  return `#s:${id}:${index}:${key}`
}

/**
 * Throws `UNSUPPORTED_VALUE` if the chunk is larger than L2 may keep. The first chunk carries the labels of its load with the tokens of before
 * it, as the entry will: by them a reader knows whether the load is current.
 */
export function sealChunk(context: ChunkContext, index: number, { frames, end }: Chunk, labels: LabelSet): Bytes {
  const { remote, name, scopeLabels } = context
  const isFirst = index === 1
  return remote.codec.encode({
    key: keyOf(name, index),
    createdAtMs: remote.tier.storeNowMs(),
    freshForMs: 0,
    staleForMs: 0,
    usableForMs: 0,
    loadMs: 0,
    labels: isFirst ? labels : NO_LABELS,
    scopeCount: isFirst ? scopeLabels.length : 0,
    value: { frames, end },
  })
}

/** `undefined` for bytes that are not this chunk. */
export function openChunk(
  { remote, name, scopeLabels }: ChunkContext,
  index: number,
  bytes: Bytes,
): (Chunk & { readonly labels: LabelSet }) | undefined {
  const opened = remote.codec.open(bytes, keyOf(name, index), index === 1 ? scopeLabels : [])
  if (!(opened instanceof StoredEntry)) return undefined
  try {
    const { frames, end } = opened.value() as Partial<Chunk>
    if (!(frames instanceof Uint8Array) || !ENDS.includes(end)) return undefined
    return { frames, end, labels: opened.labels }
  } catch {
    // It cannot be decoded, so somebody else wrote it.
    return undefined
  }
}
