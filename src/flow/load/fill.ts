// What happens to a value once its loader has returned: L1 gets it at once, then the callers, then L2 in the background.
import type { Entry } from '../../model/entry.js'
import type { NotKept, StoreOutcome } from '../../model/events/store-outcome.js'
import type { Label } from '../../model/labels.js'
import type { Bytes } from '../../model/ports.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { Core, Remote } from '../core.js'
import { putInL1 } from '../entries/local-entries.js'
import { idleLifeOf, lifeOf, makeEntry } from '../entries/make-entry.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import type { Leases } from '../leases/leases.js'
import { keepMsOf, type Life, unreadKeepMsOf } from '../state/seal-plan.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import type { Finished } from './finished.js'
import type { LateLabels } from './late-labels.js'

/** What a fill needs. */
interface Filling {
  readonly remote: Remote
  readonly entries: RemoteEntries
  readonly fence: Bytes
}

export class Filler {
  constructor(
    private readonly core: Pick<Core, 'clock' | 'random' | 'l1' | 'tokenReader' | 'local' | 'background' | 'recorder'>,
    private readonly remote: Remote | undefined,
    private readonly entries: RemoteEntries | undefined,
    private readonly leases: Leases | undefined,
    private readonly lateLabels: LateLabels,
  ) {}

  /**
   * Settles the flight and keeps its value where it may be kept. Resolves when storing is over; the callers have their result long
   * before. Returns no promise if it is over already.
   */
  finish(done: Finished): Promise<void> | undefined {
    const { flight, loaded, policy } = done
    if (loaded.failure !== undefined) {
      this.core.recorder.notUnderstood(done.scope, flight.localKey, loaded.failure)
    }
    const life = lifeOf(policy, loaded.value, loaded.windows, this.core.random)
    const { late, notCached } = this.#lateOrWhyNot(done, life)
    if (notCached !== undefined || late === undefined) {
      // The value is kept nowhere, so no new caller may join. The callers that wait share this load.
      if (late !== undefined) flight.resultLabels = [...flight.labels, ...late]
      this.core.local.detachFlight(flight)
      this.#report(done, notCached ?? 'unsupported')
      flight.resolve(loaded.value)
      this.leases?.giveBack(done.right)
      if (notCached === 'unsupported' && loaded.refusal !== undefined)
        this.core.recorder.storeFailed(done.scope, flight.localKey, loaded.refusal)
      return undefined
    }
    flight.resultLabels = late.length === 0 ? flight.labels : [...flight.labels, ...late]
    flight.resultUntilMs = this.core.clock.nowMs() + life.freshForMs
    if (late.length === 0) return this.#settle(done, done.carried, life)
    const keepMs = keepMsOf(life)
    const known = this.lateLabels.known(late, done.startedAtMs, keepMs)
    if (known !== undefined) return this.#settle(done, mergeCarried(done.carried, known), life)
    flight.resolve(loaded.value)
    return this.#settleProven(done, late, life)
  }

  async #settleProven(done: Finished, late: readonly Label[], life: Life): Promise<void> {
    const proven = await this.lateLabels.prove(late, done, keepMsOf(life))
    if (proven !== undefined) return this.#settle(done, mergeCarried(done.carried, proven), life)
    this.leases?.giveBack(done.right)
    this.#report(done, 'unproven')
  }

  /** The labels that were not known before the load, and why the value is cached nowhere, if it is not. */
  #lateOrWhyNot(done: Finished, life: Life): { readonly late?: readonly Label[]; readonly notCached?: NotKept } {
    const why = whyNotCached(done, life)
    if (why !== undefined && why !== 'changing') return { notCached: why }
    // Also if the value is not kept: who joined the load after the end of a hold of one of its labels has to load again.
    const late = this.lateLabels.of(done)
    if (late === undefined) return { notCached: 'unsupported' }
    if (this.#isHeld(done, [...done.flight.labels, ...late])) return { late, notCached: 'held' }
    return why === undefined ? { late } : { late, notCached: why }
  }

  /** See `Holds`. What L2 said of the labels counts too: a process that has just started has heard of no hold. */
  #isHeld({ flight, startedAtMs, right }: Finished, labels: readonly Label[]): boolean {
    return (
      right.isHeldInL2 === true || this.core.local.holds.endAfter(startedAtMs, flight.localKey, labels) !== undefined
    )
  }

  #settle(done: Finished, carried: CarriedLabels, life: Life): Promise<void> | undefined {
    const { flight, loaded, right } = done
    const entry = this.#keepInL1(done, carried, life)
    const filling = this.#fillingOf(done, carried)
    if (filling === undefined) this.#report(done, this.#outcomeWithoutL2(done, carried, entry))
    // The value is kept nowhere, so a caller that comes after the flight has settled loads again.
    if (entry === undefined && right.fence === undefined) this.core.local.detachFlight(flight)
    flight.resolve(loaded.value)
    if (filling !== undefined) return this.#fill(done, carried, life, entry, filling)
    this.leases?.giveBack(right)
    return undefined
  }

  #report({ scope, userKey, flight, tookMs }: Finished, outcome: StoreOutcome): void {
    flight.stored = outcome
    this.core.recorder.loaded(scope, userKey, flight.reason, tookMs, outcome)
  }

  /** Whether an invalidation came since the load began: then only its own callers may get the value. */
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
    // A later load may have been faster than one that is late.
    if (done.flight.isLate && (l1.peek(done.flight.localKey)?.createdAtMs ?? -Infinity) >= startedAtMs) return undefined
    const nowMs = core.clock.nowMs()
    const entry = makeEntry({
      value: l1.admit(loaded.value),
      createdAtMs: nowMs,
      life,
      l1UntilMs: Math.floor(nowMs) + policy.l1TtlMs,
      verifiedAtMs: Math.min(startedAtMs, carried.asOfMs),
      labels: carried.set,
      loadMs: nowMs - startedAtMs,
      etag: loaded.etag,
      epoch: done.epoch,
      idle: idleLifeOf(life, nowMs),
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
  #fill(
    done: Finished,
    carried: CarriedLabels,
    life: Life,
    entry: Entry | undefined,
    { remote, entries, fence }: Filling,
  ): Promise<void> | undefined {
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
      core.recorder.storeFailed(done.scope, flight.localKey, error)
      this.#report(done, 'unsupported')
      return undefined
    }
    core.tokenReader.prolong(carried.set.labels, keepMsOf(life))
    const release = core.background.admitWrite(bytes.length)
    if (release === undefined) {
      this.leases?.giveBack(right)
      core.recorder.dropped('store', done.scope.space.scope, flight.localKey)
      this.#report(done, this.#isInL1(flight.localKey, entry) ? 'l1' : 'busy')
      return undefined
    }
    const storeKey = flight.storeKey === '' ? entries.storeKey(flight.localKey) : flight.storeKey
    return remote.tier.swap(storeKey, fence, bytes, unreadKeepMsOf(life)).then((reply) => {
      release()
      this.#report(done, this.#outcomeOfFill(done, carried, entry, bytes, reply))
    })
  }

  #outcomeOfFill(
    done: Finished,
    carried: CarriedLabels,
    entry: Entry | undefined,
    bytes: Bytes,
    reply: undefined | 'refused' | Unavailable,
  ): StoreOutcome {
    const { core } = this
    const { flight } = done
    if (reply === 'refused') {
      this.#dropFromL1(flight.localKey, entry)
      core.recorder.fillRefused(done.scope, flight.localKey)
      return 'overtaken'
    }
    if (reply === UNAVAILABLE) return this.#outcomeWithoutL2(done, carried, entry)
    entry?.idle?.storedAs(bytes)
    return this.#isInL1(flight.localKey, entry) ? 'all' : 'l2'
  }

  /** The outcome for a value that was not stored in L2. */
  #outcomeWithoutL2(done: Finished, carried: CarriedLabels, entry: Entry | undefined): StoreOutcome {
    if (this.#isInL1(done.flight.localKey, entry)) return 'l1'
    return this.#isOutdated(done, carried) ? 'overtaken' : 'unavailable'
  }

  /** L1 may have refused it as too large, or have dropped it since. */
  #isInL1(localKey: string, entry: Entry | undefined): boolean {
    return entry !== undefined && this.core.l1?.peek(localKey) === entry
  }

  #dropFromL1(localKey: string, entry: Entry | undefined): void {
    if (this.#isInL1(localKey, entry)) this.core.l1?.delete(localKey)
  }
}

/** Why a value is kept in no tier, as far as that is known before it is stored anywhere. */
function whyNotCached({ loaded, right }: Finished, life: Life): NotKept | undefined {
  if (loaded.failure !== undefined) return 'unsupported'
  if (loaded.use === 'skip') return 'skipped'
  if (life.freshForMs <= 0) return 'ttlIsZero'
  if (loaded.refusal !== undefined) return 'unsupported'
  return right.mayKeep ? undefined : 'changing'
}

/** The labels of both, in this order. */
export function mergeCarried(first: CarriedLabels, second: CarriedLabels): CarriedLabels {
  if (second.set.labels.length === 0) return first
  return {
    set: {
      labels: [...first.set.labels, ...second.set.labels],
      tokens: [...first.set.tokens, ...second.set.tokens],
    },
    asOfMs: Math.min(first.asOfMs, second.asOfMs),
    isGoodForL2: first.isGoodForL2 && second.isGoodForL2,
    isHeld: first.isHeld || second.isHeld,
  }
}
