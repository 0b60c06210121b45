// What is done with a value once its loader answered: L1 at once, then the answer, then L2 behind the caller's back.

import { decodeAnnouncement } from '../../codec/announcement.js'
import { type AtMs, Entry } from '../../model/entry.js'
import type { NotKept, StoreOutcome } from '../../model/events/store-outcome.js'
import { tagsFailed } from '../../model/failed-option.js'
import { isTag, type Label, tagLabel } from '../../model/labels.js'
import { MAX_TAGS } from '../../model/limits.js'
import type { Tags } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Milliseconds, Token } from '../../model/ports.js'
import { jittered } from '../../model/time/freshness.js'
import { UNAVAILABLE } from '../../tiers/remote-tier.js'
import type { CallScope, Core, Remote } from '../core.js'
import { putInL1 } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { tagsFor, tooMany } from '../entries/tags.js'
import type { Flight } from '../state/flight.js'
import { keepMsOf, type Life } from '../state/seal-plan.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import type { Leases } from './leases.js'
import type { Loaded } from './run-loader.js'
import type { StoreRight } from './store-right.js'

/** A finished load with all that decides where its value may go. */
export interface Finished {
  readonly scope: CallScope
  readonly policy: Policy
  readonly userKey: string
  readonly tags: Tags<never> | undefined
  readonly flight: Flight
  readonly loaded: Loaded
  readonly carried: CarriedLabels
  readonly right: StoreRight
  readonly startedAtMs: AtMs
  /** How long the loader took. */
  readonly tookMs: Milliseconds
  /** The bus's position before the load began. */
  readonly since: string | undefined
  /** The token table's epoch before the load began. */
  readonly epoch: number
}

interface Filling {
  readonly remote: Remote
  readonly entries: RemoteEntries
  readonly fence: Bytes
}

/** How long a value of this policy lives from now. */
export function lifeOf(policy: Policy, value: unknown, ttlMs: Milliseconds | undefined, random: () => number): Life {
  const isAbsent = value === undefined || value === null
  const fullMs = ttlMs ?? (isAbsent ? (policy.absentTtlMs ?? policy.ttlMs) : policy.ttlMs)
  const freshForMs = jittered(fullMs, policy.jitter, random)
  return {
    freshForMs,
    staleForMs: freshForMs + policy.staleWhileRevalidateMs,
    usableForMs: freshForMs + Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs),
    staleIfErrorMs: policy.staleIfErrorMs,
  }
}

export class Filler {
  constructor(
    private readonly core: Core,
    private readonly remote: Remote | undefined,
    private readonly entries: RemoteEntries | undefined,
    private readonly leases: Leases | undefined,
  ) {}

  /**
   * Answers the flight and keeps its value where it may be kept. Resolves when the storing is over; whoever waits for the answer
   * has it long before.
   */
  async finish(done: Finished): Promise<void> {
    const { flight, loaded, policy } = done
    if (loaded.failure !== undefined) {
      this.core.recorder.notUnderstood(done.scope.space, flight.localKey, loaded.failure)
    }
    const life = lifeOf(policy, loaded.value, loaded.ttlMs, this.core.random)
    const notCached = whyNotCached(done, life)
    const late = notCached === undefined ? this.#lateLabels(done) : undefined
    if (late === undefined) {
      // Kept nowhere, so nobody may join any more; those who wait share this one load.
      this.core.local.detachFlight(flight)
      this.#ended(done, notCached ?? 'unsupported')
      flight.resolve(loaded.value)
      this.leases?.giveBack(done.right)
      if (notCached === 'unsupported' && loaded.refusal !== undefined)
        this.core.recorder.storeFailed(done.scope.space, flight.localKey, loaded.refusal)
      return
    }
    flight.answerLabels = [...flight.labels, ...late]
    flight.answerUntilMs = this.core.clock.nowMs() + life.freshForMs
    if (late.length === 0) return this.#answer(done, done.carried, life)
    const before = this.#knownBefore(late, done.startedAtMs)
    const isProven = this.remote === undefined || before.size === late.length
    const lateNow = isProven ? this.core.tokenReader.carryNow(late, keepMsOf(life)) : undefined
    if (lateNow !== undefined) return this.#answer(done, merge(done.carried, lateNow), life)
    flight.resolve(loaded.value)
    const proven = await this.core.tokenReader.carryLate(late, keepMsOf(life), {
      before,
      since: done.since,
      wasInvalidated: (bytes) => concerns(bytes, late),
    })
    if (proven === undefined) {
      this.leases?.giveBack(done.right)
      return this.#ended(done, 'unproven')
    }
    return this.#answer(done, merge(done.carried, proven), life)
  }

  async #answer(done: Finished, carried: CarriedLabels, life: Life): Promise<void> {
    const { flight, loaded, right } = done
    const entry = this.#keepInL1(done, carried, life)
    const filling = this.#fillingOf(done, carried)
    if (filling === undefined) this.#ended(done, this.#inL1Alone(done, carried, entry))
    // Kept nowhere: who asks once it is answered loads anew.
    if (entry === undefined && right.fence === undefined) this.core.local.detachFlight(flight)
    flight.resolve(loaded.value)
    if (filling === undefined) this.leases?.giveBack(right)
    else this.#ended(done, await this.#fill(done, carried, life, entry, filling))
  }

  #ended({ scope, userKey, flight, tookMs }: Finished, outcome: StoreOutcome): void {
    this.core.recorder.loaded(scope.space, userKey, flight.reason, tookMs, outcome)
  }

  /**
   * Labels that were not known before the load: from a tags function, from `ctx.tags()`, from callers that joined, or from the value
   * that is renewed.
   * `undefined` if they cannot be known: no invalidation could reach the value then.
   */
  #lateLabels(done: Finished): readonly Label[] | undefined {
    const { tags, loaded, flight } = done
    const derived = typeof tags === 'function' ? this.#derivedTags(done, tags) : []
    if (derived === undefined) return undefined
    const renewed = loaded.use === 'renew' ? (flight.usable?.entry.labels.labels ?? []) : []
    const joined = this.#joinedTags(done)
    if (joined === undefined) return undefined
    const isCrowded = flight.labels.length > MAX_TAGS && this.#hasTooMany(done, flight.labels)
    if (isCrowded) return undefined
    if (derived.length + joined.length + loaded.tags.length + renewed.length === 0) return []
    const late = new Set([...derived, ...joined, ...loaded.tags].map(tagLabel))
    // Scopes follow from the key, and may differ in their version.
    for (const label of renewed) if (isTag(label)) late.add(label)
    for (const label of flight.labels) late.delete(label)
    return this.#hasTooMany(done, [...flight.labels, ...late]) ? undefined : [...late]
  }

  /** From all that may name tags of one value; each alone is within the limit. */
  #hasTooMany({ scope, flight }: Finished, labels: readonly Label[]): boolean {
    const count = labels.filter(isTag).length
    if (count <= MAX_TAGS) return false
    const cause = tooMany(count, 'the options, ctx.tags() and the calls that shared the load')
    this.core.recorder.notUnderstood(scope.space, flight.localKey, tagsFailed(scope.space.scope, cause))
    return true
  }

  #joinedTags(done: Finished): readonly string[] | undefined {
    const { joinedTags } = done.flight
    if (joinedTags === undefined) return []
    const all = new Set<string>()
    for (const tags of joinedTags) {
      const derived = this.#derivedTags(done, tags)
      if (derived === undefined) return undefined
      for (const tag of derived) all.add(tag)
    }
    return [...all]
  }

  #derivedTags({ loaded, scope, userKey, flight }: Finished, tags: Tags<never>): readonly string[] | undefined {
    try {
      return tagsFor(tags, loaded.value, userKey)
    } catch (error) {
      this.core.recorder.notUnderstood(scope.space, flight.localKey, tagsFailed(scope.space.scope, error))
      return undefined
    }
  }

  /** A token confirmed before the load began makes a label named after it as good as one named before. */
  #knownBefore(labels: readonly Label[], startedAtMs: AtMs): ReadonlyMap<Label, Token> {
    const before = new Map<Label, Token>()
    for (const label of labels) {
      const known = this.core.tokens.current(label, this.core.clock.nowMs())
      // Of the same instant is not before: nothing says which came first.
      if (known?.asOfMs !== undefined && known.asOfMs < startedAtMs) before.set(label, known.token)
    }
    return before
  }

  /** Whether an invalidation came since the load began: its value may be nobody's but its callers'. */
  #isOutdated(done: Finished, carried: CarriedLabels): boolean {
    const { flight } = done
    const { keyLog, labelLog } = this.core.local
    if (flight.detached || keyLog.brokenSince(flight.keyMark, flight.localKey)) return true
    return carried.set.labels.some((label) => labelLog.brokenSince(flight.labelMark, label))
  }

  #keepInL1(done: Finished, carried: CarriedLabels, life: Life): Entry | undefined {
    const { core } = this
    const { l1 } = core
    const { policy, loaded, startedAtMs } = done
    if (l1 === undefined || policy.tiers === 'l2' || policy.l1TtlMs <= 0 || this.#isOutdated(done, carried))
      return undefined
    const nowMs = core.clock.nowMs()
    const entry = makeEntry({
      value: l1.admit(loaded.value),
      nowMs,
      life,
      policy,
      verifiedAtMs: Math.min(startedAtMs, carried.asOfMs),
      carried,
      loadMs: nowMs - startedAtMs,
      etag: loaded.etag,
      epoch: done.epoch,
    })
    putInL1(core, done.flight.localKey, entry, policy, undefined)
    return entry
  }

  /** What a fill needs; `undefined` if the value may not be stored in L2. */
  #fillingOf(done: Finished, carried: CarriedLabels): Filling | undefined {
    const { remote, entries } = this
    const { fence } = done.right
    if (remote === undefined || entries === undefined || done.policy.tiers === 'l1' || fence === undefined)
      return undefined
    return carried.isGoodForL2 && done.loaded.isForL2 && !this.#isOutdated(done, carried)
      ? { remote, entries, fence }
      : undefined
  }

  /** The fill: stores in L2 only if the fence still stands there. If it does not, L1 must not keep the value either. */
  async #fill(
    done: Finished,
    carried: CarriedLabels,
    life: Life,
    entry: Entry | undefined,
    { remote, entries, fence }: Filling,
  ): Promise<StoreOutcome> {
    const { core } = this
    const { flight, right } = done
    let bytes: Bytes
    const finishedAtMs = entry?.createdAtMs ?? core.clock.nowMs()
    try {
      bytes = entries.seal({
        localKey: flight.localKey,
        space: done.scope.space,
        value: done.loaded.value,
        input: done.loaded.input,
        life,
        labels: carried.set,
        loadMs: finishedAtMs - done.startedAtMs,
        createdAtMs: finishedAtMs,
        etag: done.loaded.etag,
      })
    } catch (error) {
      // What L2 cannot keep, L1 does not keep either: all processes must see the same.
      this.#dropFromL1(flight.localKey, entry)
      this.leases?.giveBack(right)
      core.recorder.storeFailed(done.scope.space, flight.localKey, error)
      return 'unsupported'
    }
    core.tokenReader.prolong(carried.set.labels, keepMsOf(life))
    const release = core.background.admitWrite(bytes.length)
    if (release === undefined) {
      this.leases?.giveBack(right)
      core.recorder.dropped('store', done.scope.space.scope, flight.localKey)
      return this.#isInL1(flight.localKey, entry) ? 'l1' : 'busy'
    }
    const answer = await remote.tier.swap(entries.storeKey(flight.localKey), fence, bytes, keepMsOf(life))
    release()
    if (answer === 'refused') {
      this.#dropFromL1(flight.localKey, entry)
      core.recorder.fillRefused(done.scope.space, flight.localKey)
      return 'overtaken'
    }
    if (answer === UNAVAILABLE) return this.#inL1Alone(done, carried, entry)
    return this.#isInL1(flight.localKey, entry) ? 'all' : 'l2'
  }

  /** Where a value is that was not stored in L2. */
  #inL1Alone(done: Finished, carried: CarriedLabels, entry: Entry | undefined): StoreOutcome {
    if (this.#isInL1(done.flight.localKey, entry)) return 'l1'
    return this.#isOutdated(done, carried) ? 'overtaken' : 'unavailable'
  }

  /** L1 may have found it too large, or have forgotten it since. */
  #isInL1(localKey: string, entry: Entry | undefined): boolean {
    return entry !== undefined && this.core.l1?.peek(localKey) === entry
  }

  #dropFromL1(localKey: string, entry: Entry | undefined): void {
    if (this.#isInL1(localKey, entry)) this.core.l1?.delete(localKey)
  }
}

/** Why a value is kept in no tier, if that can be said before anything is done with it. */
function whyNotCached({ loaded, right }: Finished, life: Life): NotKept | undefined {
  if (loaded.failure !== undefined) return 'unsupported'
  if (loaded.use === 'skip') return 'skipped'
  if (life.freshForMs <= 0) return 'ttlIsZero'
  if (!right.mayKeep) return 'changing'
  return loaded.refusal === undefined ? undefined : 'unsupported'
}

/** What an L1 entry is made of. */
export interface EntryParts {
  readonly value: unknown
  readonly nowMs: AtMs
  readonly life: Life
  readonly policy: Policy
  readonly verifiedAtMs: AtMs
  readonly carried: CarriedLabels
  readonly loadMs: Milliseconds
  readonly etag: string | undefined
  readonly epoch: number
}

/** An entry created now, its lives bounded by L1's own ttl. */
export function makeEntry(parts: EntryParts): Entry {
  const { life, policy } = parts
  const nowMs = Math.floor(parts.nowMs)
  const l1UntilMs = nowMs + policy.l1TtlMs
  return new Entry({
    value: parts.value,
    createdAtMs: nowMs,
    freshUntilMs: Math.min(nowMs + life.freshForMs, l1UntilMs),
    staleUntilMs: Math.min(nowMs + life.staleForMs, l1UntilMs),
    usableUntilMs: Math.min(nowMs + life.usableForMs, l1UntilMs),
    verifiedAtMs: Math.floor(parts.verifiedAtMs),
    labels: parts.carried.set,
    loadMs: Math.ceil(parts.loadMs),
    etag: parts.etag,
    epoch: parts.epoch,
    staleIfErrorMs: life.staleIfErrorMs,
  })
}

function merge(first: CarriedLabels, second: CarriedLabels): CarriedLabels {
  if (second.set.labels.length === 0) return first
  return {
    set: {
      labels: [...first.set.labels, ...second.set.labels],
      tokens: [...first.set.tokens, ...second.set.tokens],
    },
    asOfMs: Math.min(first.asOfMs, second.asOfMs),
    isGoodForL2: first.isGoodForL2 && second.isGoodForL2,
  }
}

/** Whether an announcement of the log invalidates one of these labels; one that cannot be read might. */
function concerns(bytes: Bytes, labels: readonly Label[]): boolean {
  const said = decodeAnnouncement(bytes)
  if (typeof said === 'string') return true
  const outdated = new Set(said.labels)
  for (const [label] of said.expiredLabels) outdated.add(label)
  return labels.some((label) => outdated.has(label))
}
