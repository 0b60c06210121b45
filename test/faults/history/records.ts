// What the processes of a history report. All times are of the machine's monotonic clock, which is the same for all processes.
import type { Cache } from 'tiercache'

/** Milliseconds of the machine's monotonic clock. */
export type MachineMs = number

export function machineNowMs(): MachineMs {
  return Number(process.hrtime.bigint()) / 1e6
}

let presentTurnMs: MachineMs | undefined

/** When the first call in this turn of the event loop was made. The cache reads its clock once per turn, and not before that call. */
export function turnBeganMs(): MachineMs {
  if (presentTurnMs !== undefined) return presentTurnMs
  setImmediate(() => {
    presentTurnMs = undefined
  })
  presentTurnMs = machineNowMs()
  return presentTurnMs
}

/** The cached value. */
export interface Value {
  /** Unique among all processes. */
  readonly id: string
  /** What the database had when the load read it, or what the write stored there. */
  readonly version: number
  readonly tags: readonly string[]
}

/** A load began or a `set` was called, so a value came into being. */
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

/** A load has ended. */
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
  /** 'fromRedis': without L1. 'newcomer': by a new process, which has only what Redis returns. */
  readonly kind: 'load' | 'get' | 'fromRedis' | 'newcomer'
  readonly key: string
  readonly value: string | undefined
  /** Whether Redis could be reached when the read was called. */
  readonly l2: 'available' | 'unavailable'
  /** `turnBeganMs()` when it was called. */
  readonly turnMs: MachineMs
  readonly calledMs: MachineMs
  readonly completedMs: MachineMs
}

export type HistoryRecord = BirthRecord | LoadedRecord | WriteRecord | ReadRecord

/** The circumstances of a read, to be recorded before the cache is called. */
export function callOf(cache: Cache): Pick<ReadRecord, 'l2' | 'turnMs' | 'calledMs'> {
  const turnMs = turnBeganMs()
  return { turnMs, calledMs: machineNowMs(), l2: cache.stats().l2.available ? 'available' : 'unavailable' }
}

/** A message to a worker. */
export type Order =
  | { readonly order: 'stop' }
  /** Read every key once. */
  | { readonly order: 'readAll' }

/** A message of a worker. */
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
  /** The number of keys that all processes share. */
  readonly keys: number
  readonly mutation: string | undefined
  /** 'lent': the application's own client with default settings, which resends commands after a reconnect. 'own': the SDK opens one. */
  readonly client: 'lent' | 'own'
  /** A reader changes nothing, so only announcements, or their loss, decide what its memory has. */
  readonly kind: 'writer' | 'reader' | 'newcomer'
}

export const TAGS = ['t0', 't1', 't2']
export const CACHE_NAME = 'history'
