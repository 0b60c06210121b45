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

/** What entries of one kind have in common: how long they live beyond their freshness, and how long their loads took. */
class Traits {
  constructor(
    /** Both count from the end of freshness. */
    readonly staleForMs: Milliseconds,
    readonly usableForMs: Milliseconds,
    readonly staleIfErrorMs: Milliseconds,
    readonly loadMs: Milliseconds,
    /** Few entries have one of these, and such an entry has traits of its own. */
    readonly etag: string | undefined,
    readonly idle: IdleLife | undefined,
  ) {}
}

/** How many traits are remembered: the latest ones of each slot. */
const TRAIT_SLOTS = 256
const known: (Traits | undefined)[] = new Array(TRAIT_SLOTS).fill(undefined)

/** Traits of these values: the same object for most entries that are alike, so that an entry takes one field for all of them. */
function traitsOf(
  staleForMs: Milliseconds,
  usableForMs: Milliseconds,
  staleIfErrorMs: Milliseconds,
  loadMs: Milliseconds,
) {
  const slot = ((staleForMs * 31 + usableForMs) * 31 + staleIfErrorMs + loadMs * 7) & (TRAIT_SLOTS - 1)
  const there = known[slot]
  if (
    there !== undefined &&
    there.staleForMs === staleForMs &&
    there.usableForMs === usableForMs &&
    there.staleIfErrorMs === staleIfErrorMs &&
    there.loadMs === loadMs
  )
    return there
  const traits = new Traits(staleForMs, usableForMs, staleIfErrorMs, loadMs, undefined, undefined)
  known[slot] = traits
  return traits
}

/** How much later `untilMs` is than `fromMs`, which may both be Infinity. */
function lengthOf(fromMs: AtMs, untilMs: AtMs): Milliseconds {
  return untilMs > fromMs ? untilMs - fromMs : 0
}

/** Rounded up to six significant bits: exact below 64 ms, and few enough values for entries to share them. */
function roundedUp(ms: Milliseconds): Milliseconds {
  const step = 2 ** Math.max(0, 26 - Math.clz32(ms))
  return Math.ceil(ms / step) * step
}

/**
 * One value in L1 with everything that decides whether it may be served. Only verification, touches and expiry change it. It has few fields,
 * since a cache has many entries: what entries have in common is in their traits.
 */
export class Entry implements EntryFields {
  readonly value: unknown
  readonly createdAtMs: AtMs
  freshUntilMs: AtMs
  verifiedAtMs: AtMs
  readonly labels: LabelSet
  epoch: number
  /** A promise resolved with `value`, made at the first hit and reused: a later hit allocates nothing. */
  promise: Promise<unknown> | undefined = undefined
  /**
   * Until then a hit needs no further check of its age: the end of freshness, or earlier if an early refresh may be due.
   *
   * Invariant: it is never later than `idle.dueAtMs`. So the first read after a touch is due takes the slow path, which touches, and no
   * hit has to compare anything for it.
   */
  hotUntilMs: AtMs
  private traits: Traits

  constructor(fields: EntryFields) {
    const { etag, idle, freshUntilMs, staleIfErrorMs } = fields
    this.value = fields.value
    this.createdAtMs = fields.createdAtMs
    this.freshUntilMs = freshUntilMs
    this.verifiedAtMs = fields.verifiedAtMs
    this.labels = fields.labels
    this.epoch = fields.epoch
    this.hotUntilMs = idle === undefined ? freshUntilMs : Math.min(freshUntilMs, idle.dueAtMs)
    const staleForMs = lengthOf(freshUntilMs, fields.staleUntilMs)
    const usableForMs = lengthOf(freshUntilMs, fields.usableUntilMs)
    const loadMs = roundedUp(fields.loadMs)
    this.traits =
      etag === undefined && idle === undefined
        ? traitsOf(staleForMs, usableForMs, staleIfErrorMs, loadMs)
        : new Traits(staleForMs, usableForMs, staleIfErrorMs, loadMs, etag, idle)
  }

  get staleUntilMs(): AtMs {
    return this.freshUntilMs + this.traits.staleForMs
  }

  get usableUntilMs(): AtMs {
    return this.freshUntilMs + this.traits.usableForMs
  }

  /** How long after the end of its freshness it may be served if loading fails. */
  get staleIfErrorMs(): Milliseconds {
    return this.traits.staleIfErrorMs
  }

  /** About how long the load took, and no less. */
  get loadMs(): Milliseconds {
    return this.traits.loadMs
  }

  get etag(): string | undefined {
    return this.traits.etag
  }

  get idle(): IdleLife | undefined {
    return this.traits.idle
  }

  get idleUntilMs(): AtMs | undefined {
    return this.traits.idle?.untilMs
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
    const { staleIfErrorMs, loadMs, etag, idle } = this.traits
    const endedAtMs = Math.min(atMs, this.freshUntilMs)
    const usableUntilMs = Math.min(this.usableUntilMs, endedAtMs + staleIfErrorMs)
    this.hotUntilMs = 0
    this.freshUntilMs = LONG_AGO_MS
    this.traits = new Traits(0, lengthOf(LONG_AGO_MS, usableUntilMs), staleIfErrorMs, loadMs, etag, idle)
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
