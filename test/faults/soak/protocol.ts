// The messages between the soak and its processes.
import type { HistoryRecord } from '../history/records.js'

export interface WorkerArguments {
  readonly process: number
  readonly url: string
  readonly maxStalenessMs: number
  /** How many calls a process has in flight. */
  readonly loops: number
  /** Operations a second of this process; as many as come if not given. */
  readonly perSecond?: number | undefined
}

export type WorkerOrder =
  | { readonly order: 'sample' }
  /** No more traffic; the cache stays open. */
  | { readonly order: 'rest' }
  /** Close the cache and end. */
  | { readonly order: 'end' }

/** What must not grow. */
export interface Sample {
  readonly heapBytes: number
  readonly externalBytes: number
  readonly handles: number
  readonly flights: number
  readonly background: number
  readonly waiting: number
  readonly entries: number
}

export interface Ended {
  readonly report: 'ended'
  readonly operations: number
  /** What must not happen: a read that rejects, an unhandled rejection. */
  readonly rejections: readonly string[]
  readonly latencies: readonly number[]
  readonly counters: Readonly<Record<string, number>>
}

export type WorkerReport =
  | { readonly report: 'ready' | 'rests' }
  | { readonly report: 'records'; readonly records: readonly HistoryRecord[] }
  | { readonly report: 'sample'; readonly sample: Sample }
  | Ended
