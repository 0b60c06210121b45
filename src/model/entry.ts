// The entry as L1 keeps it: one class whose instances all have one hidden shape, with every field always present.
import type { LabelSet } from './labels.js'
import type { Bytes, Milliseconds } from './ports.js'

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
  /** When an entry that nobody reads is gone; `undefined` for an entry without an idle life. */
  readonly idleUntilMs?: AtMs | undefined
}

/**
 * The age of an entry at `nowMs`. A boundary belongs to the later age: at exactly `freshUntilMs` an entry is stale. An entry that was not
 * read for its idle life is expired, whatever is left of its other times.
 */
export function ageOf(times: EntryTimes, nowMs: AtMs): Age {
  if (times.idleUntilMs !== undefined && nowMs >= times.idleUntilMs) return 'expired'
  if (nowMs < times.freshUntilMs) return 'fresh'
  if (nowMs < times.staleUntilMs) return 'stale'
  return nowMs < times.usableUntilMs ? 'staleIfError' : 'expired'
}

/** What is left at `nowMs` of the idle life of an entry: after that it is gone if nobody reads it. Infinity if it has none. */
export function idleForMs({ idleUntilMs = Infinity }: Pick<EntryTimes, 'idleUntilMs'>, nowMs: AtMs): Milliseconds {
  return Math.max(0, idleUntilMs - nowMs)
}

/** Reads renew an idle life at most so often before it would end. */
const TOUCHES_PER_LIFE = 10
const STAMP_BYTES = 16

/**
 * The idle life of one entry, as this process knows it: without a read for `ttlMs` the entry is gone. `endsAtMs` is the absolute end of
 * the entry. `atMs`, a whole millisecond, is when it was created or read.
 */
export class IdleLife {
  untilMs: AtMs
  /** A read before that renews nothing: the last touch is recent. */
  dueAtMs: AtMs
  /** The limit of `Entry.hotUntilMs` that other options set. */
  hotUntilMs: AtMs = Number.POSITIVE_INFINITY
  /** The stamp of the entry in L2, as latin1: a string takes less memory than a Buffer. `undefined` if L2 is not known to have it. */
  stamp: string | undefined = undefined

  constructor(
    readonly ttlMs: Milliseconds,
    private readonly endsAtMs: AtMs,
    atMs: AtMs,
  ) {
    this.untilMs = atMs + ttlMs
    this.dueAtMs = atMs + this.touchEveryMs
  }

  /** The shortest time between two touches. */
  get touchEveryMs(): Milliseconds {
    return Math.max(1, Math.floor(this.ttlMs / TOUCHES_PER_LIFE))
  }

  /** L2 has stored the entry as `bytes`. */
  storedAs(bytes: Bytes): void {
    this.stamp = stampIn(bytes)
  }

  /** The entry was found in L2, where this process has not touched it yet: its next read does. */
  foundAs(bytes: Bytes): void {
    this.stamp = stampIn(bytes)
    this.dueAtMs = this.untilMs - this.ttlMs
  }

  renew(atMs: AtMs): void {
    this.untilMs = atMs + this.ttlMs
    this.dueAtMs = atMs + this.touchEveryMs
  }

  /** How long L2 has to keep an entry that is touched at `nowMs`. Never beyond its absolute end: then it is 0 or less. */
  keepMs(nowMs: AtMs): Milliseconds {
    return Math.min(this.ttlMs, this.endsAtMs - nowMs)
  }
}

function stampIn(bytes: Bytes): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, STAMP_BYTES).toString('latin1')
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
  /** The epoch of the token table at which the labels were last found current; see `TokenTable.isProven`. 0: they have to be verified. */
  readonly epoch: number
  /** How long after the end of its freshness it may be served if loading fails. */
  readonly staleIfErrorMs: number
  readonly idle?: IdleLife | undefined
}

/** What few entries have. */
interface Extras {
  readonly etag: string | undefined
  readonly idle: IdleLife | undefined
}

/** One value in L1 with everything that decides whether it may be served. Only verification, touches and expiry change it. */
export class Entry implements EntryFields {
  readonly value: unknown
  readonly createdAtMs: AtMs
  freshUntilMs: AtMs
  staleUntilMs: AtMs
  usableUntilMs: AtMs
  verifiedAtMs: AtMs
  readonly labels: LabelSet
  readonly loadMs: number
  /** One field for all that few entries have, so that the others take no memory for it. */
  private readonly extras: Extras | undefined
  epoch: number
  readonly staleIfErrorMs: number
  /** A promise resolved with `value`, made at the first hit and reused: a later hit allocates nothing. */
  promise: Promise<unknown> | undefined = undefined
  /**
   * Until then a hit needs no further check of its age: the end of freshness, or earlier if an early refresh may be due.
   *
   * Invariant: it is never later than `idle.dueAtMs`. So the first read after a touch is due takes the slow path, which touches, and no
   * hit has to compare anything for it.
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
    const { etag, idle } = fields
    this.extras = etag === undefined && idle === undefined ? undefined : { etag, idle }
    this.epoch = fields.epoch
    this.staleIfErrorMs = fields.staleIfErrorMs
    this.hotUntilMs = idle === undefined ? fields.freshUntilMs : Math.min(fields.freshUntilMs, idle.dueAtMs)
  }

  get etag(): string | undefined {
    return this.extras?.etag
  }

  get idle(): IdleLife | undefined {
    return this.extras?.idle
  }

  get idleUntilMs(): AtMs | undefined {
    return this.extras?.idle?.untilMs
  }

  /** From `untilMs` on, hits need a decision for another reason than the idle life. */
  limitHits(untilMs: AtMs): void {
    this.hotUntilMs = Math.min(this.hotUntilMs, untilMs)
    if (this.idle !== undefined) this.idle.hotUntilMs = untilMs
  }

  /** The entry was read or touched at `atMs`: its idle life begins again. */
  touch(atMs: AtMs): void {
    const { idle } = this
    if (idle === undefined) return
    idle.renew(atMs)
    this.hotUntilMs = Math.min(this.freshUntilMs, idle.hotUntilMs, idle.dueAtMs)
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

/** The epochs of the token table begin at 1. */
const UNVERIFIED = 0
/** Earlier than the start of any process, and a small integer like the other times. */
const LONG_AGO_MS = -(2 ** 30)
