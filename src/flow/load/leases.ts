// Who in the fleet may load a key, and whose value may then be stored: leases and fences in L2 (G1, G5).
//
// The reference is R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases).
import { newStamp, STAMP_BYTES } from '../../codec/stamp.js'
import { ageOf } from '../../model/entry.js'
import { leaseKeyOf } from '../../model/keys/key.js'
import type { Policy } from '../../model/options/policy.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/remote-tier.js'
import type { CallScope, Core, Remote } from '../core.js'
import { type Ask, type Found, type FoundEntry, NOT_ASKED, type RemoteEntries } from '../entries/remote-entries.js'
import type { TimeBudget } from '../runtime/time-budget.js'
import type { Flight } from '../state/flight.js'
import { LeaseWait } from './lease-wait.js'
import { keepRenewing } from './renewal.js'

/**
 * The right to load, and the fence: the bytes that must still stand at the beginning of the key's value for the fill to store.
 *
 * Invariant (G1): the fence was seen in L2 *before* the load began. Every invalidation removes or replaces it: `delete` unlinks
 * the key, `set` and `expire` write another stamp. And no fence that is gone ever stands again, whatever is executed a second time
 * (see `RemoteStore`). So the fill of a load that began before an invalidation finds something else and stores nothing, however late
 * its packet arrives.
 */
export interface StoreRight {
  /** `undefined`: the value may not be stored in L2. */
  readonly fence: Bytes | undefined
  /** The lease to renew while the loader runs, and to give back if nothing is stored. */
  readonly lease: { readonly storeKey: string; readonly stamp: Bytes } | undefined
  /** Whether any tier may keep the value: not while a writer's fence stands. */
  readonly mayKeep: boolean
}

/** What asking for the right came to. */
export type Acquired =
  | { readonly kind: 'load'; readonly right: StoreRight }
  /** Another process loaded meanwhile. */
  | { readonly kind: 'found'; readonly found: FoundEntry }
  /** Another process refreshes what is still good enough. */
  | { readonly kind: 'leave' }

/** Nothing stood there, and now the lease of this flight does. */
export interface Claimed {
  readonly kind: 'claimed'
  readonly lease: Bytes
}

/** A lease of ours that stands. */
class Planted {
  constructor(readonly lease: Bytes) {}
}

export const NO_RIGHT: StoreRight = { fence: undefined, lease: undefined, mayKeep: true }

/**
 * A writer's fence stands. Its end is not waited for: a database may take long, and `save` itself may read what it is about to
 * write. What is loaded meanwhile is the truth of its moment and perhaps not of the next, so its callers get it and nobody else.
 */
const FENCED_OUT: StoreRight = { fence: undefined, lease: undefined, mayKeep: false }

/** How much the latest read says of the next one. */
const LEARNING_RATE = 1 / 8

/** How often the right is asked for without waiting. Whoever keeps others from getting it for so long is no cache. */
const MAX_TRIES = 50

export interface AcquirePlan {
  readonly scope: CallScope
  readonly policy: Policy
  readonly flight: Flight
  /** What L2 may cost the caller. The time in which another process loads is none of it. */
  readonly budget: TimeBudget
  /** Whether an entry found meanwhile makes this load unnecessary. */
  isGoodEnough(found: FoundEntry): boolean
}

export class Leases {
  /** How often reads of late found nothing: 0 to 1. */
  #missRate = 0

  constructor(
    private readonly core: Core,
    private readonly remote: Remote,
    private readonly entries: RemoteEntries,
  ) {}

  /**
   * What L2 holds under the key of a flight. Where most reads of late found nothing, this one claims the key at once, which answers
   * what stands there just as a read does: a miss then takes one round trip and not two. Where most find something, the reads of one
   * tick are one command, which is cheaper.
   */
  async read(plan: AcquirePlan): Promise<Found | Claimed> {
    const { flight, scope, policy, budget } = plan
    let lease: Bytes | undefined
    const claim: Ask = async (storeKey) => {
      const claimed = await this.#claim(storeKey, plan)
      if (!(claimed instanceof Planted)) return claimed
      lease = claimed.lease
      return undefined
    }
    const ask = this.#missRate > 0.5 ? claim : undefined
    const found = await this.entries.read(scope.space, flight.localKey, policy, budget, ask)
    if (found.kind === 'absent') this.#missRate += LEARNING_RATE * (1 - this.#missRate)
    else if (found.kind !== 'unavailable') this.#missRate -= LEARNING_RATE * this.#missRate
    return lease !== undefined && found.kind === 'absent' ? { kind: 'claimed', lease } : found
  }

  /**
   * Asks for the right to load what was `found`, waiting for another process's load if the policy says so, but not for ever: see
   * `LeaseWait`. Who then loads all the same expects at its fill what it saw before its load began, as everybody does (G1).
   */
  async acquire(found: Found | Claimed, plan: AcquirePlan): Promise<Acquired> {
    const { flight, policy } = plan
    if (found.kind === 'claimed') return this.#holding(flight, found.lease)
    const { callers } = this.core
    const wait = new LeaseWait(callers.nowMs(), policy.hardTimeoutMs, this.remote.leaseMs)
    let seen: Found | Planted = found
    let tries = 0
    let hasAskedForLife = false
    for (;;) {
      if (seen instanceof Planted) return this.#holding(flight, seen.lease)
      if (flight.isAborted || tries >= MAX_TRIES) return { kind: 'load', right: NO_RIGHT }
      switch (seen.kind) {
        case 'unavailable':
          return { kind: 'load', right: NO_RIGHT }
        case 'later-format':
        case 'fenced': {
          const right = seen.kind === 'fenced' ? FENCED_OUT : NO_RIGHT
          if (hasAskedForLife) return { kind: 'load', right }
          hasAskedForLife = true
          seen = await this.#claimOrSee(plan)
          if (!(seen instanceof Planted) && seen.kind === 'unavailable') return { kind: 'load', right }
          continue
        }
        case 'absent':
          tries++
          seen = await this.#claimOrSee(plan)
          // Neither waited for nor polled: what stands there now decides at once.
          if (!(seen instanceof Planted) && (seen.kind === 'absent' || seen.kind === 'leased')) break
          continue
        case 'unusable':
          tries++
          seen = await this.#replaceOrSee(plan, seen.stamp)
          if (!(seen instanceof Planted) && seen.kind === 'unusable') break
          continue
        case 'entry': {
          if (plan.isGoodEnough(seen)) return { kind: 'found', found: seen }
          const leaseKey = leaseKeyOf(this.core.name, hexOf(seen.stamp))
          const standing = await this.#claim(leaseKey, plan)
          if (standing instanceof Planted || policy.singleFlight === 'process') {
            const own = standing instanceof Planted ? { storeKey: leaseKey, stamp: standing.lease } : undefined
            return { kind: 'load', right: { fence: seen.stamp, lease: own, mayKeep: true } }
          }
          if (standing === UNAVAILABLE)
            return { kind: 'load', right: { fence: seen.stamp, lease: undefined, mayKeep: true } }
          // Somebody refreshes it. Whoever was served already need not wait.
          if (flight.isAnswered) return { kind: 'leave' }
          if (flight.reason === 'refresh' && ageOf(seen.entry, this.core.clock.nowMs()) === 'fresh') {
            return { kind: 'leave' }
          }
          break
        }
        case 'leased':
          if (!flight.mustLoad) break
          // A refresh waits for no load that began before it: it takes the lease over, and what that load brings is stored nowhere.
          tries++
          seen = await this.#replaceOrSee(plan, seen.stamp)
          continue
        default:
          seen satisfies never
      }
      // Only the waiting is switched off, never the fence: what was seen standing there must still stand at the fill.
      // A load of this very process is waited for all the same (G5).
      const isOther = seen.kind === 'leased' && !this.#isOurs(seen.stamp)
      if ((policy.singleFlight === 'process' && isOther) || wait.isOver(callers.nowMs())) {
        const fence = seen.kind === 'leased' || seen.kind === 'entry' ? seen.stamp : undefined
        return { kind: 'load', right: { fence, lease: undefined, mayKeep: true } }
      }
      await this.#pause(wait.nextPauseMs())
      plan.budget.renew()
      const ask: 'read' | 'claim' = seen.kind === 'leased' ? wait.nextAsk(callers.nowMs()) : 'read'
      seen = ask === 'claim' ? await this.#claimOrSee(plan) : await this.#read(plan)
    }
  }

  #holding(flight: Flight, lease: Bytes): Acquired {
    const storeKey = this.entries.storeKey(flight.localKey)
    flight.lease = lease
    return { kind: 'load', right: { fence: lease, lease: { storeKey, stamp: lease }, mayKeep: true } }
  }

  /** Whether a load of this process holds this lease. */
  #isOurs(lease: Bytes): boolean {
    for (const flight of this.core.local.inFlight) {
      if (flight.lease !== undefined && Buffer.compare(flight.lease, lease) === 0) return true
    }
    return false
  }

  /** A lease that was planted after the caller gave up is nobody's: without it the others need not wait until it expires. */
  async #claim(storeKey: string, { budget }: AcquirePlan): Promise<Planted | Bytes | Unavailable> {
    // For each attempt another one: what one of them plants late, no other takes for its own.
    const lease = newStamp('lease')
    const isOurs = (standing: Bytes) => Buffer.compare(standing.subarray(0, STAMP_BYTES), lease) === 0
    const tooLate = (standing: Bytes) => {
      if (isOurs(standing)) this.#giveBack({ storeKey, stamp: standing })
    }
    const limits = { withinMs: budget.leftMs, tooLate }
    const standing = await this.remote.tier.claim(storeKey, lease, this.remote.leaseMs, limits)
    return standing !== UNAVAILABLE && isOurs(standing) ? new Planted(standing) : standing
  }

  /** What stands there, by a claim: it takes the place of nothing, and of what no cache can have left there. */
  async #claimOrSee(plan: AcquirePlan): Promise<Found | Planted> {
    const { scope, flight, policy, budget } = plan
    const askedAt = this.entries.ask()
    const standing = await this.#claim(this.entries.storeKey(flight.localKey), plan)
    if (standing instanceof Planted) return standing
    return this.entries.judge(standing, scope.space, flight.localKey, policy, askedAt, budget)
  }

  /** Takes the place of what begins as `expected`; else what stands there now. */
  async #replaceOrSee(plan: AcquirePlan, expected: Bytes | undefined): Promise<Found | Planted> {
    const lease = newStamp('lease')
    const storeKey = this.entries.storeKey(plan.flight.localKey)
    if (expected === undefined) {
      // Too short to be compared, so nobody's fence: away with it, and whoever claims first holds the lease.
      const gone = await this.remote.tier.apply([{ op: 'delete', key: storeKey }], undefined)
      return gone === UNAVAILABLE ? NOT_ASKED : this.#read(plan)
    }
    const tooLate = (answer: undefined | 'refused') => {
      if (answer === undefined) this.#giveBack({ storeKey, stamp: lease })
    }
    const limits = { withinMs: plan.budget.leftMs, tooLate }
    const answer = await this.remote.tier.swap(storeKey, expected, lease, this.remote.leaseMs, limits)
    if (answer === undefined) return new Planted(lease)
    return answer === UNAVAILABLE ? NOT_ASKED : this.#read(plan)
  }

  #read(plan: AcquirePlan): Promise<Found> {
    return this.entries.read(plan.scope.space, plan.flight.localKey, plan.policy, plan.budget)
  }

  #pause(ms: Milliseconds): Promise<void> {
    // A little randomness keeps the waiting processes from asking in step.
    const withJitterMs = ms * (0.75 + 0.5 * this.core.random())
    return new Promise((resolve) => {
      this.core.callers.after(withJitterMs, resolve)
    })
  }

  /**
   * Keeps the lease alive while the loader runs, so that those who wait for it go on waiting, and a dead holder costs them one
   * lease at most. Answers what stops it.
   */
  renewWhileLoading(right: StoreRight): () => void {
    const { lease } = right
    if (lease === undefined) return () => undefined
    return keepRenewing(this.core, this.remote, lease.storeKey, lease.stamp, this.remote.leaseMs)
  }

  /** Nothing will be stored: whoever waits for the lease may go on at once. */
  giveBack(right: StoreRight): void {
    if (right.lease !== undefined) this.#giveBack(right.lease)
  }

  #giveBack(lease: NonNullable<StoreRight['lease']>): void {
    this.core.background.run('give lease back', () => this.remote.tier.swap(lease.storeKey, lease.stamp, undefined, 1))
  }
}

function hexOf(stamp: Bytes): string {
  return Buffer.from(stamp).toString('hex')
}
