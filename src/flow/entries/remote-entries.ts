// The entries of L2: reads one, judges whether it may be served, and seals one for storing.
import type { StoredEntry } from '../../codec/entry-codec.js'
import { expiredAgoMs, leaseOf, STAMP_BYTES, stampOf, stateOf } from '../../codec/envelope/stamp.js'
import { type AtMs, ageOf, type Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { fullKeyOf, isHashedStoreKey, type Space, storeKeyOf } from '../../model/keys/key.js'
import type { LabelSet } from '../../model/labels.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { Core, Remote } from '../core.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { Life, SealPlan } from '../state/seal-plan.js'
import type { Judgement } from '../tokens/token-reader.js'
import { isAbsent, validate } from './accept.js'
import { idleLifeOf, makeEntry } from './make-entry.js'

/** What stands in L2 under a key, judged. */
export type Found =
  /** A usable entry, whose age `ageOf` returns. Its `stamp` is the fence of a load that replaces it. */
  | FoundEntry
  | { readonly kind: 'absent' }
  /** The lease of a load that can be waited for. `stamp` is the whole lease. */
  | { readonly kind: 'leased'; readonly stamp: Bytes }
  /** A write fence: the source of truth is being changed, or the key is held. So what is loaded now may be kept nowhere. */
  | { readonly kind: 'fenced'; readonly isHold: boolean }
  /** Outdated, invalidated, damaged or foreign: not served. It may be replaced while it still begins with `stamp`. */
  | UnusableFound
  /** Written by a later release: neither served nor replaced. */
  | { readonly kind: 'later-format' }
  | { readonly kind: 'unavailable' }

/** `labels` are those of an entry that was invalidated or soft-expired. */
export interface UnusableFound {
  readonly kind: 'unusable'
  readonly stamp: Bytes | undefined
  readonly labels?: LabelSet
}

/** Taken before L2 is asked. An invalidation after it may not be visible in the reply. */
export interface AskedAt {
  readonly nowMs: AtMs
  /** The epoch of the token table. */
  readonly epoch: number
}

/** Asks L2 what stands under a key. */
export type Ask = (storeKey: string) => Promise<Bytes | undefined | Unavailable>

export class FoundEntry {
  readonly kind = 'entry'

  constructor(
    readonly entry: Entry,
    private readonly opened: StoredEntry,
  ) {}

  /** Copied only when it is needed: most entries are served without it. */
  get stamp(): Bytes {
    return this.opened.stamp
  }

  /** Its weight in L1. */
  get bytes(): number {
    return this.opened.weightBytes
  }
}

export const NOT_ASKED: Found = { kind: 'unavailable' }
const ABSENT: Found = { kind: 'absent' }
const FENCED: Found = { kind: 'fenced', isHold: false }
const HELD: Found = { kind: 'fenced', isHold: true }
const LATER_FORMAT: Found = { kind: 'later-format' }

export class RemoteEntries {
  readonly #remote: Remote

  constructor(
    private readonly core: Pick<
      Core,
      'name' | 'clock' | 'l1' | 'tokens' | 'tokenReader' | 'local' | 'outbox' | 'journal' | 'recorder'
    >,
    remote: Remote,
  ) {
    this.#remote = remote
  }

  /** Call this before the request is sent, and pass the result to `judge`. */
  askedNow(): AskedAt {
    return { nowMs: this.core.clock.nowMs(), epoch: this.core.tokens.epoch }
  }

  storeKey(localKey: string): string {
    return storeKeyOf(localKey, this.core.name)
  }

  /**
   * Reads a key (or uses `ask` to find out what stands there) and judges the result. L2 is not asked while a change of this process to
   * the key is not published yet (G2).
   */
  async read(
    space: Space,
    localKey: string,
    policy: Policy,
    budget: TimeBudget,
    ask: Ask = (storeKey) => this.#remote.tier.read(storeKey),
  ): Promise<Found> {
    const changing = this.core.outbox.beforeReadOf(localKey)
    if (changing !== undefined && (await budget.await(changing)) === undefined) return NOT_ASKED
    if (this.core.journal.hasKey(localKey) || this.core.local.unsent.has(localKey)) return NOT_ASKED
    const { starting } = this.#remote.tier
    if (starting !== undefined && !(await budget.lasts(starting))) return NOT_ASKED
    const askedAt = this.askedNow()
    const bytes = await ask(this.storeKey(localKey))
    return this.judge(bytes, space, localKey, policy, askedAt, budget)
  }

  /** The same for many keys, in their order. */
  async readMany(
    space: Space,
    localKeys: readonly string[],
    policy: Policy,
    budget: TimeBudget,
  ): Promise<readonly (Found | Promise<Found>)[]> {
    const { core } = this
    for (const localKey of localKeys) {
      const changing = core.outbox.beforeReadOf(localKey)
      if (changing !== undefined && (await budget.await(changing)) === undefined) return localKeys.map(() => NOT_ASKED)
    }
    const { starting } = this.#remote.tier
    if (starting !== undefined && !(await budget.lasts(starting))) return localKeys.map(() => NOT_ASKED)
    // Checked before L2 is asked: a waiting change may be published before the replies arrive, and they may still be older than it.
    const areWaiting = localKeys.map((key) => core.journal.hasKey(key) || core.local.unsent.has(key))
    const askedAt = this.askedNow()
    const replies = await this.#remote.tier.readMany(localKeys.map((key) => this.storeKey(key)))
    return localKeys.map((localKey, i) => {
      if (areWaiting[i]) return NOT_ASKED
      return this.judge(replies === UNAVAILABLE ? UNAVAILABLE : replies[i], space, localKey, policy, askedAt, budget)
    })
  }

  /** Judges what L2 returned for a request of `askedAt`. Header first: the payload of an entry that is not served is not decoded. */
  judge(
    bytes: Bytes | undefined | Unavailable,
    space: Space,
    localKey: string,
    policy: Policy,
    askedAt: AskedAt,
    budget: TimeBudget,
  ): Found | Promise<Found> {
    if (bytes === UNAVAILABLE) return NOT_ASKED
    if (bytes === undefined) return ABSENT
    const state = stateOf(bytes)
    if (state === 'lease') return { kind: 'leased', stamp: leaseOf(bytes) }
    if (state === 'fence') return bytes.length > STAMP_BYTES ? HELD : FENCED
    const opened = this.#remote.codec.open(bytes, fullKeyOf(localKey, this.core.name), space.scopeLabels)
    if ('corrupt' in opened) {
      if (opened.corrupt === 'later-format') return LATER_FORMAT
      return this.#corrupt(space, localKey, opened.corrupt, bytes)
    }
    const ageMs = Math.max(0, this.#remote.tier.storeNowMs() - opened.createdAtMs)
    const createdAtMs = Math.floor(this.core.clock.nowMs() - ageMs)
    if (ageMs >= opened.staleForMs && ageMs >= opened.usableForMs) return { kind: 'unusable', stamp: opened.stamp }
    const judgement = this.core.tokenReader.judge(opened.labels, budget)
    const finish = (judged: Judgement | undefined) =>
      judged === undefined
        ? NOT_ASKED
        : this.#finish(opened, judged, { space, localKey, policy, askedAt, createdAtMs, ageMs })
    return judgement instanceof Promise ? judgement.then(finish) : finish(judgement)
  }

  #finish(
    opened: StoredEntry,
    judged: Judgement,
    read: {
      space: Space
      localKey: string
      policy: Policy
      askedAt: AskedAt
      createdAtMs: AtMs
      ageMs: Milliseconds
    },
  ): Found | Promise<Found> {
    const { space, localKey, policy, askedAt, createdAtMs, ageMs } = read
    if (judged.currency === 'invalidated') return { kind: 'unusable', stamp: opened.stamp, labels: opened.labels }
    const found = (checked: unknown): Found => {
      // The copy in L1 lives no longer than the entry in L2, and no longer than L1's own ttl. If L1 keeps nothing, its ttl bounds nothing.
      const l1TtlMs = policy.l1TtlMs > 0 ? policy.l1TtlMs : Number.POSITIVE_INFINITY
      const life = lifeOfStored(opened, policy)
      const idle = idleLifeOf(life, createdAtMs, askedAt.nowMs)
      idle?.foundAs(opened.stampBytes)
      const entry = makeEntry({
        value: this.core.l1 === undefined ? checked : this.core.l1.admit(checked),
        createdAtMs,
        life,
        l1UntilMs: createdAtMs + Math.floor(ageMs) + l1TtlMs,
        verifiedAtMs: Math.min(askedAt.nowMs, judged.asOfMs),
        labels: opened.labels,
        loadMs: opened.loadMs,
        etag: opened.etag,
        // Not the current epoch: an invalidation or a gap in the announcements may have come since.
        epoch: askedAt.epoch,
        idle,
      })
      const expiredAtMs = this.#expiredAtMs(opened, judged, read)
      if (expiredAtMs === undefined) return new FoundEntry(entry, opened)
      entry.expire(expiredAtMs)
      const isOver = ageOf(entry, this.core.clock.nowMs()) === 'expired'
      return isOver ? { kind: 'unusable', stamp: opened.stamp, labels: opened.labels } : new FoundEntry(entry, opened)
    }
    let value: unknown
    try {
      value = opened.value()
      if (policy.schema === undefined || isAbsent(value)) return found(value)
    } catch (error) {
      return this.#corrupt(space, localKey, String((error as Error).message), opened.stamp)
    }
    return this.#validate(value, policy.schema, read, opened, found)
  }

  /** When the entry or one of its labels was soft-expired; `undefined` if none was. */
  #expiredAtMs(
    opened: StoredEntry,
    judged: Judgement,
    { createdAtMs, ageMs }: { readonly createdAtMs: AtMs; readonly ageMs: Milliseconds },
  ): AtMs | undefined {
    let firstMs: AtMs | undefined
    if (judged.currency === 'expired') firstMs = this.core.tokens.expiredAtMs(opened.labels, this.core.clock.nowMs())
    if (opened.state !== 'expired') return firstMs
    const agoMs = expiredAgoMs(opened.stamp, this.#remote.tier.storeNowMs(), ageMs)
    // If the stamp does not say when, the entry counts as expired from the end of its ttl on.
    const atMs = agoMs === undefined ? Number.POSITIVE_INFINITY : createdAtMs + Math.floor(ageMs) - agoMs
    return firstMs === undefined ? atMs : Math.min(firstMs, atMs)
  }

  async #validate(
    value: unknown,
    schema: StandardSchema,
    read: { space: Space; localKey: string },
    opened: StoredEntry,
    found: (checked: unknown) => Found,
  ): Promise<Found> {
    let error: CacheError
    try {
      return found(await validate(schema, value))
    } catch (reason) {
      error = new CacheError('SCHEMA_MISMATCH', `${(reason as Error).message}. It counts as a miss`, { cause: reason })
    }
    this.core.recorder.corrupt(read.space, read.localKey, error)
    return { kind: 'unusable', stamp: opened.stamp }
  }

  #corrupt(space: Space, localKey: string, reason: string, bytes: Bytes): Found {
    const error = new CacheError(
      'ENTRY_CORRUPT',
      `expected an intact entry of this key in L2; ${reason}. It counts as a miss`,
    )
    this.core.recorder.corrupt(space, localKey, error)
    return { kind: 'unusable', stamp: bytes.length >= 16 ? stampOf(bytes) : undefined }
  }

  /**
   * Encodes an entry. Throws `UNSUPPORTED_VALUE`. `usableForMs` is the end of `staleIfError` alone, and may lie before that of
   * `staleWhileRevalidate`: a soft expiry ends only the latter.
   */
  seal(plan: SealPlan): Bytes {
    const ageMs = this.core.clock.nowMs() - plan.createdAtMs
    return this.#remote.codec.encode({
      key: fullKeyOf(plan.localKey, this.core.name),
      // A hash alone would not prove which key it stands for.
      keepKey: isHashedStoreKey(this.storeKey(plan.localKey)),
      value: plan.input,
      createdAtMs: Math.max(0, Math.floor(this.#remote.tier.storeNowMs() - ageMs)),
      freshForMs: plan.life.freshForMs,
      staleForMs: plan.life.staleForMs,
      usableForMs: plan.life.freshForMs + plan.life.staleIfErrorMs,
      loadMs: Math.ceil(plan.loadMs),
      idleForMs: plan.life.idleForMs,
      labels: plan.labels,
      scopeCount: plan.space.scopeLabels.length,
      etag: plan.etag,
    })
  }
}

/** The life that the envelope states. For an endless entry it states no `staleIfError`, so the reader's policy decides. */
function lifeOfStored({ freshForMs, staleForMs, usableForMs, idleForMs }: StoredEntry, policy: Policy): Life {
  const isEndless = freshForMs === Number.POSITIVE_INFINITY
  return {
    freshForMs,
    staleForMs,
    usableForMs: Math.max(staleForMs, usableForMs),
    staleIfErrorMs: isEndless ? policy.staleIfErrorMs : Math.max(0, usableForMs - freshForMs),
    idleForMs,
  }
}
