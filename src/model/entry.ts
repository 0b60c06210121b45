// The entry as L1 keeps it: one class whose instances all have one hidden shape, with every field always present.
import type { LabelSet } from './labels.js'

/** An instant of the local monotonic clock, in whole ms. Infinity: never. */
export type AtMs = number

/**
 * How old an entry is. fresh: served. stale: served while a refresh runs (`staleWhileRevalidate`). staleIfError: served only if loading
 * fails. expired: not served.
 */
export type Age = 'fresh' | 'stale' | 'staleIfError' | 'expired'

/** When an entry stops being fresh, stale and usable. */
export interface EntryTimes {
  readonly freshUntilMs: AtMs
  readonly staleUntilMs: AtMs
  readonly usableUntilMs: AtMs
}

/** The age of an entry at `nowMs`. A boundary belongs to the later age: at exactly `freshUntilMs` an entry is stale. */
export function ageOf(times: EntryTimes, nowMs: AtMs): Age {
  if (nowMs < times.freshUntilMs) return 'fresh'
  if (nowMs < times.staleUntilMs) return 'stale'
  return nowMs < times.usableUntilMs ? 'staleIfError' : 'expired'
}

/** The fields of an entry. All times are whole milliseconds: V8 stores small integers in place and boxes all other numbers. */
export interface EntryFields extends EntryTimes {
  readonly value: unknown
  readonly createdAtMs: AtMs
  /** When this value was last known to be current everywhere. */
  readonly verifiedAtMs: AtMs
  readonly labels: LabelSet
  /** How long the load took: XFetch's delta. */
  readonly loadMs: number
  readonly etag: string | undefined
  /** The epoch of the token table at which the labels were last found current. Below 0: they have to be verified. */
  readonly epoch: number
  /** How long after the end of its freshness it may be served if loading fails. */
  readonly staleIfErrorMs: number
}

/** One value in L1 with everything that decides whether it may be served. Only verification and expiry change it. */
export class Entry implements EntryFields {
  readonly value: unknown
  readonly createdAtMs: AtMs
  freshUntilMs: AtMs
  staleUntilMs: AtMs
  usableUntilMs: AtMs
  verifiedAtMs: AtMs
  readonly labels: LabelSet
  readonly loadMs: number
  readonly etag: string | undefined
  epoch: number
  readonly staleIfErrorMs: number
  /** A promise resolved with `value`, made at the first hit and reused: a later hit allocates nothing. */
  promise: Promise<unknown> | undefined = undefined
  /** Until then a hit needs no further check of its age: the end of freshness, or earlier if an early refresh may be due. */
  hotUntilMs: AtMs

  constructor(fields: EntryFields) {
    this.value = fields.value
    this.createdAtMs = fields.createdAtMs
    this.freshUntilMs = fields.freshUntilMs
    this.staleUntilMs = fields.staleUntilMs
    this.usableUntilMs = fields.usableUntilMs
    this.verifiedAtMs = fields.verifiedAtMs
    this.labels = fields.labels
    this.loadMs = fields.loadMs
    this.etag = fields.etag
    this.epoch = fields.epoch
    this.staleIfErrorMs = fields.staleIfErrorMs
    this.hotUntilMs = fields.freshUntilMs
  }

  /**
   * Soft-expires the entry at `atMs`: it is neither fresh nor stale any more. If loading fails it may be served for `staleIfErrorMs` from
   * then on, but no longer than before. Only the first call counts.
   */
  expire(atMs: AtMs): void {
    if (this.isSoftExpired) return
    const endedAtMs = Math.min(atMs, this.freshUntilMs)
    this.usableUntilMs = Math.min(this.usableUntilMs, endedAtMs + this.staleIfErrorMs)
    this.hotUntilMs = 0
    this.freshUntilMs = LONG_AGO_MS
    this.staleUntilMs = LONG_AGO_MS
  }

  get isSoftExpired(): boolean {
    return this.freshUntilMs === LONG_AGO_MS
  }

  /** Makes the next read verify the entry against L2 before it is served. */
  unverify(): void {
    this.epoch = UNVERIFIED
    this.verifiedAtMs = LONG_AGO_MS
  }
}

const UNVERIFIED = -1
/** Earlier than the start of any process, and a small integer like the other times. */
const LONG_AGO_MS = -(2 ** 30)
