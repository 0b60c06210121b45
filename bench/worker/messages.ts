// What the suite and its worker processes say to each other.
import type { Tiers } from '../peers/peer.js'

/** What a worker is to do; one worker does one drill with one library. */
export interface Assignment {
  readonly peer: string
  readonly drill: DrillName
  readonly params: DrillParams
  readonly redisPort: number
  readonly prefix: string
  /** Where the profile of everything from the first slice on is written. */
  readonly profile?: string | undefined
}

export type DrillName =
  | 'hits'
  | 'peek'
  | 'readMany'
  | 'misses'
  | 'writes'
  | 'invalidation'
  | 'heap'
  | 'redisBytes'
  | 'coldKey'

/** 'hot': one key; 'zipf': 10,000 keys spread over all entries, drawn with s = 1; 'each': all in turn. */
export type Draw = 'hot' | 'zipf' | 'each'

export interface DrillParams {
  readonly tiers: Tiers
  /** Entries in the cache before anything is timed. */
  readonly entries?: number
  /** Room in memory, if more than for the entries: some keep what they know of tags among them. */
  readonly room?: number
  readonly draw?: Draw
  readonly valueBytes?: number
  readonly tags?: number
  readonly bus?: boolean
  /** Calls under way at any moment; with one, the median of single calls is the cost, else the mean. */
  readonly inFlight?: number
}

export type Command =
  | { readonly do: 'slice'; readonly budgetMs: number }
  | { readonly do: 'rush'; readonly key: string; readonly atEpochMs: number; readonly callers: number }
  | { readonly do: 'end' }

export type Report =
  | { readonly report: 'ready' }
  | { readonly report: 'failed'; readonly reason: string }
  | {
      readonly report: 'slice'
      /** In the unit of the drill, smaller is better. */
      readonly cost: number
      /** What else the drill saw, for the record. */
      readonly details?: Readonly<Record<string, number | string>>
      /** Processor time of this process per time passed: below 1 it waited, or had to share the processor. */
      readonly cpuShare: number
      /** How long the fixed piece of work took before and after. */
      readonly calibrationMs: readonly [before: number, after: number]
    }
  | { readonly report: 'rush'; readonly loads: number; readonly tookMs: number }
