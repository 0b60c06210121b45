// The entry as L1 keeps it: one class, one hidden shape, every field always there.
import type { LabelSet } from './labels.js'

/** An instant of the local monotonic clock, a whole number of ms. Infinity never comes. */
export type AtMs = number

/**
 * fresh: served. stale: served while a refresh runs (`staleWhileRevalidate`). staleIfError: served only if loading fails
 * (`staleIfError`). expired: not served.
 */
export type Age = 'fresh' | 'stale' | 'staleIfError' | 'expired'

export interface EntryTimes {
  readonly freshUntilMs: AtMs
  readonly staleUntilMs: AtMs
  readonly usableUntilMs: AtMs
}

/** What an entry is worth at `nowMs`. A boundary belongs to the later age: at exactly `freshUntilMs` it is stale. */
export function ageOf(times: EntryTimes, nowMs: AtMs): Age {
  if (nowMs < times.freshUntilMs) return 'fresh'
  if (nowMs < times.staleUntilMs) return 'stale'
  return nowMs < times.usableUntilMs ? 'staleIfError' : 'expired'
}

/** What an entry is made of. All times are whole milliseconds: V8 keeps small integers in place, and boxes everything else. */
export interface EntryFields extends EntryTimes {
  readonly value: unknown
  readonly createdAtMs: AtMs
  /** The instant as of which this value was known to be current everywhere. */
  readonly verifiedAtMs: AtMs
  readonly labels: LabelSet
  /** How long the load took: XFetch's delta. */
  readonly loadMs: number
  readonly etag: string | undefined
  /** The epoch of the token table at which the labels were last found current; below 0 asks for verification. */
  readonly epoch: number
  /** How long it may be served after it stopped being fresh, if loading fails. */
  readonly staleIfErrorMs: number
}

/** One value in L1 with all that decides whether it may be served. Mutable only where verification and expiry need it. */
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
  /** The resolved promise of `value`, made at the first hit and kept: a hit then allocates nothing. */
  promise: Promise<unknown> | undefined = undefined
  /**
   * Before it a hit needs no further thought about age: the end of freshness, or earlier where an early refresh may be due.
   */
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
   * Softly expired at `atMs`: no longer fresh nor stale. If loading fails it may be served for `staleIfError` from then on, and no
   * longer than it would have been. Only the first expiry counts.
   */
  expire(atMs: AtMs): void {
    if (this.isExpiredSoftly) return
    const endedAtMs = Math.min(atMs, this.freshUntilMs)
    this.usableUntilMs = Math.min(this.usableUntilMs, endedAtMs + this.staleIfErrorMs)
    this.hotUntilMs = 0
    this.freshUntilMs = LONG_AGO_MS
    this.staleUntilMs = LONG_AGO_MS
  }

  get isExpiredSoftly(): boolean {
    return this.freshUntilMs === LONG_AGO_MS
  }

  /** Not to be served before L2 said that it is still what it was. */
  unverify(): void {
    this.epoch = UNVERIFIED
    this.verifiedAtMs = LONG_AGO_MS
  }
}

const UNVERIFIED = -1
/** Before every start of a process; a small integer, as the other times. */
const LONG_AGO_MS = -(2 ** 30)
