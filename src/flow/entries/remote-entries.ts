// The entries of L2: reads one, judges whether it may be served, and seals one for storing.
import type { StoredEntry } from '../../codec/entry-codec.js'
import type { CorruptReason } from '../../codec/envelope/corrupt.js'
import { FullKey, KeyPrefix } from '../../codec/envelope/key-bytes.js'
import { expiredAgoMs, leaseOf, STAMP_BYTES, stampOf, stateOf } from '../../codec/envelope/stamp.js'
import { type AtMs, ageOf } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { fullKeyOf, isHashedStoreKey, type Space, storeKeyOf } from '../../model/keys/key.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { StandardSchema } from '../../model/values/schema.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { PendingRead, ReadAt } from '../../tiers/read-batch.js'
import type { Core, Remote } from '../core.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { Life, SealPlan } from '../state/seal-plan.js'
import type { Judgement } from '../tokens/token-reader.js'
import { isAbsent, validate } from './accept.js'
import { ABSENT, FENCED, type Found, FoundEntry, HELD, LATER_FORMAT, NOT_ASKED } from './found.js'
import { idleLifeOf, makeEntry } from './make-entry.js'

/** What is asked of L2, and when. An invalidation after that instant may not be visible in the reply. */
export interface Question {
  readonly space: Space
  readonly localKey: string
  readonly storeKey: string
  readonly policy: Policy
  readonly askedAtMs: AtMs
  /** The epoch of the token table at that instant. */
  readonly epoch: number
  /** The time that L2 may still cost the caller. */
  readonly budget: TimeBudget
}

/** What a question is about. */
export type Subject = Pick<Question, 'space' | 'localKey' | 'policy' | 'budget'>

/** An entry of L2 with its age by the store's clock, and its creation by ours. */
interface AgedEntry {
  readonly opened: StoredEntry
  readonly ageMs: Milliseconds
  readonly createdAtMs: AtMs
}

/** Asks L2 what stands under a key. */
export type Ask = (storeKey: string) => Promise<Bytes | undefined | Unavailable>

export class RemoteEntries {
  readonly #remote: Remote
  readonly #keyPrefix: KeyPrefix

  constructor(
    private readonly core: Pick<
      Core,
      'name' | 'clock' | 'l1' | 'tokens' | 'tokenReader' | 'local' | 'outbox' | 'journal' | 'recorder'
    >,
    remote: Remote,
  ) {
    this.#remote = remote
    this.#keyPrefix = new KeyPrefix(`${core.name}:`)
  }

  storeKey(localKey: string): string {
    return storeKeyOf(localKey, this.core.name)
  }

  /** Whether L2 may be asked about a key at once: it is connected, and no change of this process to the key waits for it (G2). */
  mayAskNow(localKey: string): boolean {
    const { outbox, journal, local } = this.core
    const isChanging = outbox.isChanging(localKey) || journal.hasKey(localKey) || local.unsent.has(localKey)
    return !isChanging && this.#remote.tier.isAvailable()
  }

  /** Reads the key of `read`, which judges the reply. `mayAskNow` must be true. */
  readFor(read: PendingRead & { readonly localKey: string }): void {
    read.storeKey = this.storeKey(read.localKey)
    this.#remote.tier.readFor(read)
  }

  /** To be made before the request is sent. */
  question({ space, localKey, policy, budget }: Subject): Question {
    const { clock, tokens } = this.core
    const storeKey = this.storeKey(localKey)
    return { space, localKey, storeKey, policy, askedAtMs: clock.nowMs(), epoch: tokens.epoch, budget }
  }

  /**
   * Reads a key (or uses `ask` to find out what stands there) and judges the result. L2 is not asked while a change of this process to
   * the key is not published yet (G2).
   */
  async read(subject: Subject, ask: Ask = (storeKey) => this.#remote.tier.read(storeKey)): Promise<Found> {
    const { localKey, budget } = subject
    const changing = this.core.outbox.beforeReadOf(localKey)
    if (changing !== undefined && (await budget.await(changing)) === undefined) return NOT_ASKED
    if (this.core.journal.hasKey(localKey) || this.core.local.unsent.has(localKey)) return NOT_ASKED
    const { starting } = this.#remote.tier
    if (starting !== undefined && !(await budget.lasts(starting))) return NOT_ASKED
    const question = this.question(subject)
    return this.judge(await ask(question.storeKey), question)
  }

  /** The same for many keys. `found` gets the results, each with its index in `localKeys`; a key that L2 cannot be asked about has none. */
  async readMany(
    { space, policy, budget }: Omit<Subject, 'localKey'>,
    localKeys: readonly string[],
    found: (index: number, found: Found) => void,
  ): Promise<void> {
    const { core } = this
    for (const localKey of localKeys) {
      const changing = core.outbox.beforeReadOf(localKey)
      if (changing !== undefined && (await budget.await(changing)) === undefined) return
    }
    const { tier } = this.#remote
    if (tier.starting !== undefined && !(await budget.lasts(tier.starting))) return
    // Checked before L2 is asked: a waiting change may be published before the replies arrive, and they may still be older than it.
    const isWaiting = (localKey: string) => core.journal.hasKey(localKey) || core.local.unsent.has(localKey)
    const areWaiting = core.journal.size + core.local.unsent.size === 0 ? undefined : localKeys.map(isWaiting)
    const askedAtMs = core.clock.nowMs()
    const { epoch } = core.tokens
    const questionOf = (localKey: string): Question => {
      return { space, localKey, storeKey: this.storeKey(localKey), policy, askedAtMs, epoch, budget }
    }
    const questions = localKeys.map(questionOf)
    const replies = await tier.readMany(questions.map(({ storeKey }) => storeKey))
    if (replies === UNAVAILABLE) return
    const at = this.#now()
    const late: Promise<void>[] = []
    for (let i = 0; i < questions.length; i++) {
      if (areWaiting?.[i]) continue
      const judged = this.judge(replies[i], questions[i] as Question, at)
      if (judged instanceof Promise) late.push(judged.then((one) => found(i, one)))
      else found(i, judged)
    }
    if (late.length > 0) await Promise.all(late)
  }

  /** Judges what L2 replied to a question. Header first: the payload of an entry that is not served is not decoded. */
  judge(bytes: Bytes | undefined | Unavailable, asked: Question, at: ReadAt = this.#now()): Found | Promise<Found> {
    if (bytes === UNAVAILABLE) return NOT_ASKED
    if (bytes === undefined) return ABSENT
    const opened = this.#remote.codec.open(bytes, this.#boundTo(asked.localKey), asked.space.scopeLabels)
    if ('corrupt' in opened) return this.#noEntry(opened.corrupt, bytes, asked)
    const ageMs = Math.max(0, at.storeNowMs - opened.createdAtMs)
    if (ageMs >= opened.staleForMs && ageMs >= opened.usableForMs) return { kind: 'unusable', stamp: opened.stamp }
    const aged: AgedEntry = { opened, ageMs, createdAtMs: Math.floor(at.nowMs - ageMs) }
    const judgement = this.core.tokenReader.judge(opened.labels, asked, at.nowMs)
    if (!(judgement instanceof Promise)) return this.#open(aged, judgement, asked)
    return judgement.then((judged) => (judged === undefined ? NOT_ASKED : this.#open(aged, judged, asked)))
  }

  /** The full key that the bytes under a key are bound to. A key of the cache itself is joined with its name only if that is needed. */
  #boundTo(localKey: string): string | FullKey {
    const isNamespaced = localKey.charCodeAt(0) === 0
    return isNamespaced ? fullKeyOf(localKey, this.core.name) : new FullKey(this.#keyPrefix, localKey)
  }

  #noEntry(reason: CorruptReason, bytes: Bytes, { space, localKey }: Question): Found {
    if (reason === 'later-format') return LATER_FORMAT
    if (reason !== 'not-an-entry') return this.#corrupt(space, localKey, reason, bytes)
    if (stateOf(bytes) === 'lease') return { kind: 'leased', stamp: leaseOf(bytes) }
    return bytes.length > STAMP_BYTES ? HELD : FENCED
  }

  #now(): ReadAt {
    return { nowMs: this.core.clock.nowMs(), storeNowMs: this.#remote.tier.storeNowMs() }
  }

  /** Decodes an entry whose labels are current or soft-expired. */
  #open(aged: AgedEntry, judged: Judgement, asked: Question): Found | Promise<Found> {
    const { opened } = aged
    if (judged.currency === 'invalidated') return { kind: 'unusable', stamp: opened.stamp, labels: opened.labels }
    const { schema } = asked.policy
    let value: unknown
    try {
      value = opened.value()
      if (schema === undefined || isAbsent(value)) return this.#found(value, aged, judged, asked)
    } catch (error) {
      return this.#corrupt(asked.space, asked.localKey, String((error as Error).message), opened.stamp)
    }
    return this.#validate(value, schema, asked, opened, (checked) => this.#found(checked, aged, judged, asked))
  }

  #found(value: unknown, aged: AgedEntry, judged: Judgement, { policy, askedAtMs, epoch }: Question): Found {
    const { opened, createdAtMs, ageMs } = aged
    const { l1 } = this.core
    // The copy in L1 lives no longer than the entry in L2, and no longer than L1's own ttl. If L1 keeps nothing, its ttl bounds nothing.
    const l1TtlMs = policy.l1TtlMs > 0 ? policy.l1TtlMs : Number.POSITIVE_INFINITY
    const life = lifeOfStored(opened, policy)
    const idle = idleLifeOf(life, createdAtMs, askedAtMs)
    idle?.foundAs(opened.stampBytes)
    const entry = makeEntry({
      value: l1 === undefined ? value : l1.admit(value),
      createdAtMs,
      life,
      l1UntilMs: createdAtMs + Math.floor(ageMs) + l1TtlMs,
      verifiedAtMs: Math.min(askedAtMs, judged.asOfMs),
      labels: opened.labels,
      loadMs: opened.loadMs,
      etag: opened.etag,
      // Not the current epoch: an invalidation or a gap in the announcements may have come since.
      epoch,
      idle,
    })
    const expiredAtMs = this.#expiredAtMs(aged, judged)
    if (expiredAtMs === undefined) return new FoundEntry(entry, opened)
    entry.expire(expiredAtMs)
    const isOver = ageOf(entry, this.core.clock.nowMs()) === 'expired'
    return isOver ? { kind: 'unusable', stamp: opened.stamp, labels: opened.labels } : new FoundEntry(entry, opened)
  }

  /** When the entry or one of its labels was soft-expired; `undefined` if none was. */
  #expiredAtMs({ opened, createdAtMs, ageMs }: AgedEntry, judged: Judgement): AtMs | undefined {
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
    read: Pick<Question, 'space' | 'localKey'>,
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
