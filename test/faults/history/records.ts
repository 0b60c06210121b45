// What the processes of a history report. All instants are of one clock: `process.hrtime` is the machine's own, the same for all.
import type { Cache } from 'tiercache'

/** Milliseconds of the machine's monotonic clock. */
export type MachineMs = number

export function machineNowMs(): MachineMs {
  return Number(process.hrtime.bigint()) / 1e6
}

let presentTurnMs: MachineMs | undefined

/** When this turn of the event loop asked first: a cache asks the clock once per turn, and not before whoever asks here before it. */
export function turnBeganMs(): MachineMs {
  if (presentTurnMs !== undefined) return presentTurnMs
  setImmediate(() => {
    presentTurnMs = undefined
  })
  presentTurnMs = machineNowMs()
  return presentTurnMs
}

/** What is cached. */
export interface Value {
  /** Unique over all processes. */
  readonly id: string
  /** What the database held when the load asked, or what the write stored there. */
  readonly version: number
  readonly tags: readonly string[]
}

/** A load began, or a `set` was called: the birth of a value. */
export interface BirthRecord {
  readonly record: 'birth'
  readonly id: string
  readonly process: number
  readonly key: string
  readonly tags: readonly string[]
  readonly atMs: MachineMs
  /** The number of the `set` that stored it; `undefined` for a load. */
  readonly write: number | undefined
}

/** A load is over. */
export interface LoadedRecord {
  readonly record: 'loaded'
  readonly id: string
  readonly atMs: MachineMs
}

export interface WriteRecord {
  readonly record: 'write'
  readonly process: number
  /** Counts the writes of one process. */
  readonly number: number
  readonly kind: 'set' | 'delete' | 'invalidateTags' | 'clear'
  /** The key of `set` and `delete`. */
  readonly key: string | undefined
  readonly tags: readonly string[]
  readonly calledMs: MachineMs
  readonly completedMs: MachineMs
  readonly result: 'applied' | 'queued'
}

export interface ReadRecord {
  readonly record: 'read'
  readonly process: number
  /** fromRedis: L1 was left out. newcomer: by a process that knows nothing but what Redis says. */
  readonly kind: 'load' | 'get' | 'fromRedis' | 'newcomer'
  readonly key: string
  readonly value: string | undefined
  /** Whether Redis could have been asked when it was called. */
  readonly l2: 'available' | 'unavailable'
  /** `turnBeganMs` when it was called. */
  readonly turnMs: MachineMs
  readonly calledMs: MachineMs
  readonly completedMs: MachineMs
}

export type HistoryRecord = BirthRecord | LoadedRecord | WriteRecord | ReadRecord

/** How a read is called: to be noted before the cache is asked. */
export function callOf(cache: Cache): Pick<ReadRecord, 'l2' | 'turnMs' | 'calledMs'> {
  const turnMs = turnBeganMs()
  return { turnMs, calledMs: machineNowMs(), l2: cache.stats().l2.available ? 'available' : 'unavailable' }
}

/** What a worker is told. */
export type Order =
  | { readonly order: 'stop' }
  /** Read every key once, as the process that it is. */
  | { readonly order: 'readAll' }

/** What a worker says. */
export type Report =
  | { readonly report: 'ready' }
  | { readonly report: 'records'; readonly records: readonly HistoryRecord[] }
  | { readonly report: 'stopped' | 'hasReadAll' }
  | { readonly report: 'broken'; readonly error: string }

export interface WorkerOptions {
  readonly process: number
  readonly dataPort: number
  readonly busPort: number
  readonly databasePort: number
  readonly maxStalenessMs: number
  readonly concurrency: number
  /** How many keys all processes share. */
  readonly keys: number
  readonly mutation: string | undefined
  /** The application's own client as it comes, which resends what was under way when its link dropped, or one that the SDK opens. */
  readonly client: 'lent' | 'own'
  /** A reader changes nothing: so only announcements, or their lack, decide what its memory has. */
  readonly kind: 'writer' | 'reader' | 'newcomer'
}

export const TAGS = ['t0', 't1', 't2']
export const CACHE_NAME = 'history'
