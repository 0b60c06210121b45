// The messages between the suite and its worker processes.
import type { Face, Tiers } from '../peers/peer.js'

/** The work of a worker: one drill with one library. */
export interface Assignment {
  readonly peer: string
  readonly drill: DrillName
  readonly params: DrillParams
  readonly redisPort: number
  readonly prefix: string
  /** The file for the profile of everything from the first slice on. */
  readonly profile?: string | undefined
}

export type DrillName =
  | 'hits'
  | 'peek'
  | 'readMany'
  | 'misses'
  | 'writes'
  | 'promisesPerHit'
  | 'promisesPerMiss'
  | 'invalidation'
  | 'heap'
  | 'redisBytes'
  | 'coldKey'

/** 'hot': one key; 'zipf': 10,000 keys spread over all entries, drawn with s = 1; 'each': all in turn. */
export type Draw = 'hot' | 'zipf' | 'each'

export interface DrillParams {
  readonly tiers: Tiers
  /** Entries in the cache before the measurement. */
  readonly entries?: number
  /** The number of entries for which memory has room, if more than `entries`: some libraries store tags among the entries. */
  readonly room?: number
  readonly draw?: Draw
  readonly valueBytes?: number
  readonly tags?: number
  readonly bus?: boolean
  /** What reads go through: the cache itself if not given. */
  readonly face?: Face
  /** Calls in flight. With one, the cost is the median of single calls, otherwise the mean. */
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
      /** Other observations of the drill, for the record. */
      readonly details?: Readonly<Record<string, number | string>>
      /** Processor time of this process per time passed. Below 1 it was waiting or had to share the processor. */
      readonly cpuShare: number
      /** How long the fixed piece of work took before and after. */
      readonly calibrationMs: readonly [before: number, after: number]
    }
  | { readonly report: 'rush'; readonly loads: number; readonly tookMs: number }
