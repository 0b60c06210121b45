// How one load gets the right to load: one step for each kind of thing that may stand under its key.
import { ageOf } from '../../model/entry.js'
import type { Bytes } from '../../model/ports.js'
import { UNAVAILABLE } from '../../tiers/operation.js'
import type { Core } from '../core.js'
import type { FoundEntry } from '../entries/found.js'
import type { Flight } from '../flights/flight.js'
import type { LeaseWait } from './lease-wait.js'
import {
  type Acquired,
  besideKeyOf,
  Claimed,
  FENCED_OUT,
  HELD_IN_L2,
  NO_RIGHT,
  type Seen,
  type StoreRight,
} from './store-right.js'

/** The commands to L2 that an acquisition uses. */
export interface LeaseCommands {
  /** The right of a flight whose lease stands under its key. */
  holding(flight: Flight, lease: Bytes): Acquired
  /** Whether a load of this process holds this lease. */
  isOurs(lease: Bytes): boolean
  see(flight: Flight): Promise<Seen>
  claimOrSee(flight: Flight): Promise<Seen>
  replaceOrSee(flight: Flight, expected: Bytes | undefined): Promise<Seen>
  claimBeside(entry: FoundEntry, flight: Flight): Promise<Claimed | Bytes | typeof UNAVAILABLE>
}

export interface AcquisitionParts {
  readonly leases: LeaseCommands
  readonly core: Pick<Core, 'name' | 'clock' | 'callers' | 'random'>
  readonly flight: Flight
  /** Whether an entry that was found meanwhile makes this load unnecessary. */
  readonly isGoodEnough: (found: FoundEntry) => boolean
  readonly wait: LeaseWait
}

/** The most attempts to get the right. No cache makes so many of them fail; a stranger that keeps rewriting the key could. */
const MAX_TRIES = 50

/**
 * Waits for another process's load if the policy says so, but not for ever: see `LeaseWait`. A load that goes ahead nevertheless has a
 * fence like every other: what it saw before it began must still stand there at its fill (G1).
 */
export class Acquisition {
  readonly #leases: LeaseCommands
  readonly #core: AcquisitionParts['core']
  readonly #flight: Flight
  readonly #isGoodEnough: AcquisitionParts['isGoodEnough']
  readonly #wait: LeaseWait
  #tries = 0
  #hasCheckedLife = false

  constructor({ leases, core, flight, isGoodEnough, wait }: AcquisitionParts) {
    this.#leases = leases
    this.#core = core
    this.#flight = flight
    this.#isGoodEnough = isGoodEnough
    this.#wait = wait
  }

  async run(found: Seen): Promise<Acquired> {
    let seen = found
    for (;;) {
      if (seen.kind !== 'claimed' && (this.#flight.isAborted || this.#tries >= MAX_TRIES)) return loading(NO_RIGHT)
      const step: Acquired | Seen | 'wait' = await this.#step(seen)
      const next: Acquired | Seen = step === 'wait' ? await this.#waitBehind(seen) : step
      if (isDecided(next)) return next
      seen = next
    }
  }

  #step(seen: Seen): Acquired | 'wait' | Promise<Acquired | Seen | 'wait'> {
    switch (seen.kind) {
      case 'claimed':
        return this.#leases.holding(this.#flight, seen.lease)
      case 'unavailable':
        return loading(NO_RIGHT)
      case 'later-format':
        return this.#besideForeign(NO_RIGHT)
      case 'fenced':
        return this.#besideForeign(seen.isHold ? HELD_IN_L2 : FENCED_OUT)
      case 'absent':
        return this.#claimFree()
      case 'unusable':
        return this.#replaceUnusable(seen.stamp)
      case 'entry':
        return this.#besideEntry(seen)
      case 'leased':
        return this.#behindLease(seen.stamp)
      default:
        return seen satisfies never
    }
  }

  /** It stays in place, unless no cache can have given it its life: a claim checks that, and then replaces it. */
  async #besideForeign(right: StoreRight): Promise<Acquired | Seen> {
    if (this.#hasCheckedLife) return loading(right)
    this.#hasCheckedLife = true
    const seen = await this.#leases.claimOrSee(this.#flight)
    return seen.kind === 'unavailable' ? loading(right) : seen
  }

  async #claimFree(): Promise<Seen | 'wait'> {
    this.#tries++
    const seen = await this.#leases.claimOrSee(this.#flight)
    return seen.kind === 'absent' ? 'wait' : seen
  }

  async #replaceUnusable(stamp: Bytes | undefined): Promise<Seen | 'wait'> {
    this.#tries++
    const seen = await this.#leases.replaceOrSee(this.#flight, stamp)
    return seen.kind === 'unusable' ? 'wait' : seen
  }

  /** One process refreshes it, the others serve it or wait. */
  async #besideEntry(seen: FoundEntry): Promise<Acquired | 'wait'> {
    const flight = this.#flight
    if (this.#isGoodEnough(seen)) return { kind: 'found', found: seen }
    const standing = await this.#leases.claimBeside(seen, this.#flight)
    const fence = seen.stamp
    if (standing instanceof Claimed) {
      const storeKey = besideKeyOf(seen, this.#core.name)
      return loading({ fence, lease: { storeKey, stamp: standing.lease }, mayKeep: true })
    }
    if (flight.policy.singleFlight === 'process' || standing === UNAVAILABLE) return loadingBehind(fence)
    // Another load refreshes it. A flight whose callers were served need not wait for that.
    if (flight.isSettled) return { kind: 'leave' }
    const isFresh = ageOf(seen.entry, this.#core.clock.nowMs()) === 'fresh'
    return flight.reason === 'refresh' && isFresh ? { kind: 'leave' } : 'wait'
  }

  /** A requested refresh does not wait for a load that began before it. It replaces the lease, so that load's value is not stored. */
  #behindLease(stamp: Bytes): 'wait' | Promise<Seen> {
    const { mustLoad, outdatedLease } = this.#flight
    const isOutdated = outdatedLease !== undefined && Buffer.compare(outdatedLease, stamp) === 0
    if (!mustLoad && !isOutdated) return 'wait'
    this.#tries++
    return this.#leases.replaceOrSee(this.#flight, stamp)
  }

  /**
   * Pauses and looks again, or lets the load go ahead if waiting is switched off or over. The fence is never switched off: what was seen
   * must still stand there at the fill. `singleFlight: 'process'` switches off the wait for other processes only (G5).
   */
  async #waitBehind(seen: Seen): Promise<Acquired | Seen> {
    const { policy, budget } = this.#flight
    const { callers, random } = this.#core
    const isOther = seen.kind === 'leased' && !this.#leases.isOurs(seen.stamp)
    const isFollowed = this.#flight.followsLeases && seen.kind === 'leased'
    if (isFollowed || (policy.singleFlight === 'process' && isOther) || this.#wait.isOver(callers.nowMs())) {
      return loadingBehind(seen.kind === 'leased' || seen.kind === 'entry' ? seen.stamp : undefined)
    }
    // Jitter keeps the waiting processes from asking in step.
    const pauseMs = this.#wait.nextPauseMs() * (0.75 + 0.5 * random())
    await new Promise<void>((resolve) => callers.after(pauseMs, resolve))
    budget.renew()
    const ask = seen.kind === 'leased' ? this.#wait.nextAsk(callers.nowMs()) : 'read'
    return ask === 'claim' ? this.#leases.claimOrSee(this.#flight) : this.#leases.see(this.#flight)
  }
}

function loading(right: StoreRight): Acquired {
  return { kind: 'load', right }
}

function loadingBehind(fence: Bytes | undefined): Acquired {
  return loading({ fence, lease: undefined, mayKeep: true })
}

function isDecided(next: Acquired | Seen): next is Acquired {
  return next.kind === 'load' || next.kind === 'found' || next.kind === 'leave'
}
