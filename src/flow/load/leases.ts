// Who in the fleet may load a key, and whose value may then be stored: leases and fences in L2 (G1, G5).
//
// The reference is R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases).
import { newStamp, STAMP_BYTES } from '../../codec/stamp.js'
import type { Bytes } from '../../model/ports.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/remote-tier.js'
import type { Core, Remote } from '../core.js'
import { type Ask, type Found, type FoundEntry, NOT_ASKED, type RemoteEntries } from '../entries/remote-entries.js'
import type { Flight } from '../state/flight.js'
import { Acquisition } from './acquisition.js'
import { LeaseWait } from './lease-wait.js'
import { keepRenewing } from './renewal.js'
import { type Acquired, type AcquirePlan, besideKeyOf, Claimed, type Seen, type StoreRight } from './store-right.js'

/** How much the latest read says of the next one. */
const LEARNING_RATE = 1 / 8

export class Leases {
  /** How often reads of late found nothing: 0 to 1. */
  #missRate = 0

  constructor(
    private readonly core: Pick<Core, 'name' | 'clock' | 'callers' | 'random' | 'local' | 'background'>,
    private readonly remote: Remote,
    private readonly entries: RemoteEntries,
  ) {}

  /**
   * What L2 holds under the key of a flight. Where most reads of late found nothing, this one claims the key at once, which answers
   * what stands there just as a read does: a miss then takes one round trip and not two. Where most find something, the reads of one
   * tick are one command, which is cheaper.
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

  /** A lease that was planted after the caller gave up is nobody's: without it the others need not wait until it expires. */
  async #claim(storeKey: string, { budget }: AcquirePlan): Promise<Claimed | Bytes | Unavailable> {
    // For each attempt another one: what one of them plants late, no other takes for its own.
    const lease = newStamp('lease')
    const isOurs = (standing: Bytes) => Buffer.compare(standing.subarray(0, STAMP_BYTES), lease) === 0
    const tooLate = (standing: Bytes) => {
      if (isOurs(standing)) this.#giveBack({ storeKey, stamp: standing })
    }
    const limits = { withinMs: budget.leftMs, tooLate }
    const standing = await this.remote.tier.claim(storeKey, lease, this.remote.leaseMs, limits)
    return standing !== UNAVAILABLE && isOurs(standing) ? new Claimed(standing) : standing
  }

  /** What stands there, by a claim: it takes the place of nothing, and of what no cache can have left there. */
  async claimOrSee(plan: AcquirePlan): Promise<Seen> {
    const { scope, flight, policy, budget } = plan
    const askedAt = this.entries.askedNow()
    const standing = await this.#claim(this.entries.storeKey(flight.localKey), plan)
    if (standing instanceof Claimed) return standing
    return this.entries.judge(standing, scope.space, flight.localKey, policy, askedAt, budget)
  }

  /** Takes the place of what begins as `expected`; else what stands there now. */
  async replaceOrSee(plan: AcquirePlan, expected: Bytes | undefined): Promise<Seen> {
    const lease = newStamp('lease')
    const storeKey = this.entries.storeKey(plan.flight.localKey)
    if (expected === undefined) {
      // Too short to be compared, so nobody's fence: away with it, and whoever claims first holds the lease.
      const gone = await this.remote.tier.apply([{ op: 'delete', key: storeKey }], undefined)
      return gone === UNAVAILABLE ? NOT_ASKED : this.see(plan)
    }
    const tooLate = (answer: undefined | 'refused') => {
      if (answer === undefined) this.#giveBack({ storeKey, stamp: lease })
    }
    const limits = { withinMs: plan.budget.leftMs, tooLate }
    const answer = await this.remote.tier.swap(storeKey, expected, lease, this.remote.leaseMs, limits)
    if (answer === undefined) return new Claimed(lease)
    return answer === UNAVAILABLE ? NOT_ASKED : this.see(plan)
  }

  see(plan: AcquirePlan): Promise<Found> {
    return this.entries.read(plan.scope.space, plan.flight.localKey, plan.policy, plan.budget)
  }

  /** A lease beside an entry that is usable still: only one process refreshes it. */
  claimBeside(entry: FoundEntry, plan: AcquirePlan): Promise<Claimed | Bytes | Unavailable> {
    return this.#claim(besideKeyOf(entry, this.core.name), plan)
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
