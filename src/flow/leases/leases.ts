// Which process may load a key, and whose value may then be stored: leases and fences in L2 (G1, G5).
//
// The reference is R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases).
import { newStamp, STAMP_BYTES } from '../../codec/envelope/stamp.js'
import type { Bytes } from '../../model/ports.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { Core, Remote } from '../core.js'
import { type Ask, type Found, type FoundEntry, NOT_ASKED, type RemoteEntries } from '../entries/remote-entries.js'
import type { Flight } from '../state/flight.js'
import { Acquisition } from './acquisition.js'
import { LeaseWait } from './lease-wait.js'
import { keepRenewing } from './renewal.js'
import {
  type Acquired,
  type AcquirePlan,
  besideKeyOf,
  Claimed,
  type LeasePlan,
  type Seen,
  type StoreRight,
} from './store-right.js'

/** The weight of the latest read in the miss rate. */
const LEARNING_RATE = 1 / 8

export class Leases {
  /** The share of recent reads that found nothing, 0 to 1. */
  #missRate = 0

  constructor(
    private readonly core: Pick<Core, 'name' | 'clock' | 'callers' | 'random' | 'local' | 'background'>,
    private readonly remote: Remote,
    private readonly entries: RemoteEntries,
  ) {}

  /**
   * What stands in L2 under the key of a flight. If most recent reads found nothing, this one claims the key, which also returns what
   * stands there: a miss then takes one round trip instead of two. If most find something, plain reads are cheaper: those of one tick
   * are one command.
   */
  async read(plan: AcquirePlan): Promise<Seen> {
    const { flight, scope, policy, budget } = plan
    let claimed: Claimed | undefined
    const claim: Ask = async (storeKey) => {
      const standing = await this.#claim(storeKey, plan)
      if (!(standing instanceof Claimed)) return standing
      claimed = standing
      return undefined
    }
    const ask = this.#missRate > 0.5 ? claim : undefined
    const found = await this.entries.read(scope.space, flight.localKey, policy, budget, ask)
    if (found.kind === 'absent') this.#missRate += LEARNING_RATE * (1 - this.#missRate)
    else if (found.kind !== 'unavailable') this.#missRate -= LEARNING_RATE * this.#missRate
    return claimed !== undefined && found.kind === 'absent' ? claimed : found
  }

  /** The right to load what was `found`: see `Acquisition`. */
  acquire(found: Seen, plan: AcquirePlan): Promise<Acquired> {
    const { core, remote } = this
    const wait = new LeaseWait(core.callers.nowMs(), plan.policy.hardTimeoutMs, remote.leaseMs)
    return new Acquisition(this, core, plan, wait).run(found)
  }

  holding(flight: Flight, lease: Bytes): Acquired {
    const storeKey = this.entries.storeKey(flight.localKey)
    flight.lease = lease
    return { kind: 'load', right: { fence: lease, lease: { storeKey, stamp: lease }, mayKeep: true } }
  }

  /** Whether a load of this process holds this lease. */
  isOurs(lease: Bytes): boolean {
    for (const flight of this.core.local.inFlight) {
      if (flight.lease !== undefined && Buffer.compare(flight.lease, lease) === 0) return true
    }
    return false
  }

  /** A lease that was planted after the caller gave up is given back, so that the others need not wait until it expires. */
  async #claim(storeKey: string, { budget }: LeasePlan): Promise<Claimed | Bytes | Unavailable> {
    // A new lease for each attempt, so that none takes the late lease of an earlier one for its own.
    const lease = newStamp('lease')
    const isOurs = (standing: Bytes) => Buffer.compare(standing.subarray(0, STAMP_BYTES), lease) === 0
    const tooLate = (standing: Bytes) => {
      if (isOurs(standing)) this.#giveBack({ storeKey, stamp: standing })
    }
    const limits = { withinMs: budget.leftMs, tooLate }
    const standing = await this.remote.tier.claim(storeKey, lease, this.remote.leaseMs, limits)
    return standing !== UNAVAILABLE && isOurs(standing) ? new Claimed(standing) : standing
  }

  /** Claims the key if nothing stands there, or something whose life no cache can have given it; else returns what stands there. */
  async claimOrSee(plan: LeasePlan): Promise<Seen> {
    const { scope, flight, policy, budget } = plan
    const askedAt = this.entries.askedNow()
    const standing = await this.#claim(this.entries.storeKey(flight.localKey), plan)
    if (standing instanceof Claimed) return standing
    return this.entries.judge(standing, scope.space, flight.localKey, policy, askedAt, budget)
  }

  /** Replaces what stands there by a lease if it begins with `expected`; else returns what stands there now. */
  async replaceOrSee(plan: LeasePlan, expected: Bytes | undefined): Promise<Seen> {
    const lease = newStamp('lease')
    const storeKey = this.entries.storeKey(plan.flight.localKey)
    if (expected === undefined) {
      // Too short to be compared, so it is no fence: remove it. The first claim after that gets the lease.
      const gone = await this.remote.tier.apply([{ op: 'delete', key: storeKey }], undefined)
      return gone === UNAVAILABLE ? NOT_ASKED : this.see(plan)
    }
    const tooLate = (reply: undefined | 'refused') => {
      if (reply === undefined) this.#giveBack({ storeKey, stamp: lease })
    }
    const limits = { withinMs: plan.budget.leftMs, tooLate }
    const reply = await this.remote.tier.swap(storeKey, expected, lease, this.remote.leaseMs, limits)
    if (reply === undefined) return new Claimed(lease)
    return reply === UNAVAILABLE ? NOT_ASKED : this.see(plan)
  }

  see(plan: LeasePlan): Promise<Found> {
    return this.entries.read(plan.scope.space, plan.flight.localKey, plan.policy, plan.budget)
  }

  /** Claims a lease beside a usable entry, so that only one process refreshes it. */
  claimBeside(entry: FoundEntry, plan: AcquirePlan): Promise<Claimed | Bytes | Unavailable> {
    return this.#claim(besideKeyOf(entry, this.core.name), plan)
  }

  /**
   * Keeps the lease alive while the loader runs, so that processes that wait for it go on waiting. A holder that dies delays them by one
   * life of the lease at most. Returns a function that stops it.
   */
  renewWhileLoading(right: StoreRight): () => void {
    const { lease } = right
    if (lease === undefined) return () => undefined
    return keepRenewing(this.core, this.remote, lease.storeKey, lease.stamp, this.remote.leaseMs)
  }

  /** Nothing will be stored: processes that wait for the lease may go on at once. */
  giveBack(right: StoreRight): void {
    if (right.lease !== undefined) this.#giveBack(right.lease)
  }

  #giveBack(lease: NonNullable<StoreRight['lease']>): void {
    this.core.background.run('give back a lease', () =>
      this.remote.tier.swap(lease.storeKey, lease.stamp, undefined, 1),
    )
  }
}
