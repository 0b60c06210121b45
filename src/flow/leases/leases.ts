// Which process may load a key, and whose value may then be stored: leases and fences in L2 (G1, G5).
//
// The reference is R. Nishtala et al., "Scaling Memcache at Facebook", NSDI 2013, section 3.2.1 (leases).
import { beginsWithStamp, newStamp } from '../../codec/envelope/stamp.js'
import type { Bytes } from '../../model/ports.js'
import { type Settle, UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { Core, Remote } from '../core.js'
import { type Found, type FoundEntry, NOT_ASKED } from '../entries/found.js'
import type { Ask, RemoteEntries, Subject } from '../entries/remote-entries.js'
import type { Flight } from '../flights/flight.js'
import { Acquisition } from './acquisition.js'
import { LeaseWait } from './lease-wait.js'
import { keepRenewing } from './renewal.js'
import { type Acquired, besideKeyOf, Claimed, type Seen, type StoreRight } from './store-right.js'

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
   * Whether a read should claim its key, which also returns what stands there: a miss then takes one round trip instead of two. If most
   * recent reads found something, plain reads are cheaper: those of one tick are one command.
   */
  get mayClaim(): boolean {
    return this.#missRate > 0.5
  }

  /** What stands in L2 under the key of a flight. */
  async read(flight: Flight): Promise<Seen> {
    let claimed: Claimed | undefined
    const claim: Ask = async (storeKey) => {
      const standing = await this.#claim(storeKey, flight)
      if (!(standing instanceof Claimed)) return standing
      claimed = standing
      return undefined
    }
    const found = await this.entries.read(flight, this.mayClaim ? claim : undefined)
    this.learn(found)
    return claimed !== undefined && found.kind === 'absent' ? claimed : found
  }

  /** Notes what the read of a flight found, for those that follow. */
  learn({ kind }: Pick<Seen, 'kind'>): void {
    if (kind === 'absent' || kind === 'claimed') this.#missRate += LEARNING_RATE * (1 - this.#missRate)
    else if (kind !== 'unavailable') this.#missRate -= LEARNING_RATE * this.#missRate
  }

  /** The right to load what was `found`: see `Acquisition`. `isGoodEnough` says whether an entry found meanwhile makes the load unnecessary. */
  acquire(found: Seen, flight: Flight, isGoodEnough: (found: FoundEntry) => boolean): Promise<Acquired> {
    const { core, remote } = this
    const wait = new LeaseWait(core.callers.nowMs(), flight.policy.hardTimeoutMs, remote.leaseMs)
    return new Acquisition({ leases: this, core, flight, isGoodEnough, wait }).run(found)
  }

  holding(flight: Flight, lease: Bytes): Acquired {
    return { kind: 'load', right: this.rightOf(flight, lease) }
  }

  rightOf(flight: Flight, lease: Bytes): StoreRight {
    if (flight.storeKey === '') flight.storeKey = this.entries.storeKey(flight.localKey)
    flight.lease = lease
    return { fence: lease, lease: { storeKey: flight.storeKey, stamp: lease }, mayKeep: true }
  }

  /** Whether a load of this process holds this lease. */
  isOurs(lease: Bytes): boolean {
    for (const flight of this.core.local.inFlight) {
      if (flight.lease !== undefined && Buffer.compare(flight.lease, lease) === 0) return true
    }
    return false
  }

  #claim(storeKey: string, subject: Subject): Promise<Claimed | Bytes | Unavailable> {
    return new Promise((resolve) => this.#claimThen(storeKey, subject, resolve))
  }

  /** A lease that was planted after the caller gave up is given back, so that the others need not wait until it expires. */
  #claimThen(storeKey: string, { budget }: Subject, settle: Settle<Claimed | Bytes>): void {
    // A new lease for each attempt, so that none takes the late lease of an earlier one for its own.
    const lease = newStamp('lease')
    const isOurs = (standing: Bytes) => beginsWithStamp(standing, lease)
    const tooLate = (standing: Bytes) => {
      if (isOurs(standing)) this.#giveBack({ storeKey, stamp: standing })
    }
    const limits = { withinMs: budget.leftMs, tooLate }
    this.remote.tier.claimThen(storeKey, lease, this.remote.leaseMs, limits, (standing, atMs) =>
      settle(standing !== UNAVAILABLE && isOurs(standing) ? new Claimed(standing) : standing, atMs),
    )
  }

  /**
   * Claims the key of a flight that has just begun, which also asks what stands there. `settle` is called within the reply and must not
   * throw. `RemoteEntries.mayAskNow` must be true.
   */
  claimFor(flight: Flight, settle: Settle<Claimed | Bytes>): void {
    flight.storeKey = this.entries.storeKey(flight.localKey)
    this.#claimThen(flight.storeKey, flight, settle)
  }

  /** Claims the key if nothing stands there, or something whose life no cache can have given it; else returns what stands there. */
  async claimOrSee(subject: Subject): Promise<Seen> {
    const question = this.entries.question(subject)
    const standing = await this.#claim(question.storeKey, subject)
    return standing instanceof Claimed ? standing : this.entries.judge(standing, question)
  }

  /** Replaces what stands there by a lease if it begins with `expected`; else returns what stands there now. */
  async replaceOrSee(subject: Subject, expected: Bytes | undefined): Promise<Seen> {
    const lease = newStamp('lease')
    const storeKey = this.entries.storeKey(subject.localKey)
    if (expected === undefined) {
      // Too short to be compared, so it is no fence: remove it. The first claim after that gets the lease.
      const gone = await this.remote.tier.apply([{ op: 'delete', key: storeKey }], undefined)
      return gone === UNAVAILABLE ? NOT_ASKED : this.see(subject)
    }
    const tooLate = (reply: undefined | 'refused') => {
      if (reply === undefined) this.#giveBack({ storeKey, stamp: lease })
    }
    const limits = { withinMs: subject.budget.leftMs, tooLate }
    const reply = await this.remote.tier.swap(storeKey, expected, lease, this.remote.leaseMs, limits)
    if (reply === undefined) return new Claimed(lease)
    return reply === UNAVAILABLE ? NOT_ASKED : this.see(subject)
  }

  see(subject: Subject): Promise<Found> {
    return this.entries.read(subject)
  }

  /** Claims a lease beside a usable entry, so that only one process refreshes it. */
  claimBeside(entry: FoundEntry, subject: Subject): Promise<Claimed | Bytes | Unavailable> {
    return this.#claim(besideKeyOf(entry, this.core.name), subject)
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
