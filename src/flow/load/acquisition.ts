// How one load comes to the right: what is done about each kind of what stands under its key.
import { ageOf } from '../../model/entry.js'
import type { Bytes } from '../../model/ports.js'
import { UNAVAILABLE } from '../../tiers/remote-tier.js'
import type { Core } from '../core.js'
import type { FoundEntry } from '../entries/remote-entries.js'
import type { LeaseWait } from './lease-wait.js'
import {
  type Acquired,
  type AcquirePlan,
  besideKeyOf,
  Claimed,
  FENCED_OUT,
  NO_RIGHT,
  type Seen,
  type StoreRight,
} from './store-right.js'

/** What can be asked of L2 on the way. */
export interface LeaseCommands {
  /** The right of a flight whose lease stands under its key. */
  holding(flight: AcquirePlan['flight'], lease: Bytes): Acquired
  /** Whether a load of this process holds this lease. */
  isOurs(lease: Bytes): boolean
  see(plan: AcquirePlan): Promise<Seen>
  claimOrSee(plan: AcquirePlan): Promise<Seen>
  replaceOrSee(plan: AcquirePlan, expected: Bytes | undefined): Promise<Seen>
  claimBeside(entry: FoundEntry, plan: AcquirePlan): Promise<Claimed | Bytes | typeof UNAVAILABLE>
}

/** How often the right is asked for without waiting. Whoever keeps others from getting it for so long is no cache. */
const MAX_TRIES = 50

/**
 * Waits for another process's load if the policy says so, but not for ever: see `LeaseWait`. Who then loads all the same expects at its
 * fill what it saw before its load began, as everybody does (G1).
 */
export class Acquisition {
  readonly #leases: LeaseCommands
  readonly #core: Pick<Core, 'name' | 'clock' | 'callers' | 'random'>
  readonly #plan: AcquirePlan
  readonly #wait: LeaseWait
  #tries = 0
  #hasAskedForLife = false

  constructor(
    leases: LeaseCommands,
    core: Pick<Core, 'name' | 'clock' | 'callers' | 'random'>,
    plan: AcquirePlan,
    wait: LeaseWait,
  ) {
    this.#leases = leases
    this.#core = core
    this.#plan = plan
    this.#wait = wait
  }

  async run(found: Seen): Promise<Acquired> {
    let seen = found
    for (;;) {
      if (seen.kind !== 'claimed' && (this.#plan.flight.isAborted || this.#tries >= MAX_TRIES)) return loading(NO_RIGHT)
      const next: Acquired | Seen | 'wait' = await this.#step(seen)
      const come: Acquired | Seen = next === 'wait' ? await this.#waitBehind(seen) : next
      if (isDecided(come)) return come
      seen = come
    }
  }

  #step(seen: Seen): Acquired | 'wait' | Promise<Acquired | Seen | 'wait'> {
    switch (seen.kind) {
      case 'claimed':
        return this.#leases.holding(this.#plan.flight, seen.lease)
      case 'unavailable':
        return loading(NO_RIGHT)
      case 'later-format':
        return this.#besideForeign(NO_RIGHT)
      case 'fenced':
        return this.#besideForeign(FENCED_OUT)
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

  /** It stays where it is, unless its life is none that a cache gives: a claim sees that, and takes its place. */
  async #besideForeign(right: StoreRight): Promise<Acquired | Seen> {
    if (this.#hasAskedForLife) return loading(right)
    this.#hasAskedForLife = true
    const seen = await this.#leases.claimOrSee(this.#plan)
    return seen.kind === 'unavailable' ? loading(right) : seen
  }

  async #claimFree(): Promise<Seen | 'wait'> {
    this.#tries++
    const seen = await this.#leases.claimOrSee(this.#plan)
    return seen.kind === 'absent' ? 'wait' : seen
  }

  async #replaceUnusable(stamp: Bytes | undefined): Promise<Seen | 'wait'> {
    this.#tries++
    const seen = await this.#leases.replaceOrSee(this.#plan, stamp)
    return seen.kind === 'unusable' ? 'wait' : seen
  }

  /** One process refreshes it, the others serve it or wait. */
  async #besideEntry(seen: FoundEntry): Promise<Acquired | 'wait'> {
    const { flight, policy, isGoodEnough } = this.#plan
    if (isGoodEnough(seen)) return { kind: 'found', found: seen }
    const standing = await this.#leases.claimBeside(seen, this.#plan)
    const fence = seen.stamp
    if (standing instanceof Claimed) {
      const storeKey = besideKeyOf(seen, this.#core.name)
      return loading({ fence, lease: { storeKey, stamp: standing.lease }, mayKeep: true })
    }
    if (policy.singleFlight === 'process' || standing === UNAVAILABLE) return loadingBehind(fence)
    // Somebody refreshes it. Whoever was served already need not wait.
    if (flight.isSettled) return { kind: 'leave' }
    const isFresh = ageOf(seen.entry, this.#core.clock.nowMs()) === 'fresh'
    return flight.reason === 'refresh' && isFresh ? { kind: 'leave' } : 'wait'
  }

  /** A refresh waits for no load that began before it: it takes the lease over, and what that load brings is stored nowhere. */
  #behindLease(stamp: Bytes): 'wait' | Promise<Seen> {
    if (!this.#plan.flight.mustLoad) return 'wait'
    this.#tries++
    return this.#leases.replaceOrSee(this.#plan, stamp)
  }

  /**
   * A pause, and what stands there after it; or a load that goes ahead. Only the waiting is switched off then, never the fence: what was
   * seen standing there must still stand at the fill. A load of this very process is waited for all the same (G5).
   */
  async #waitBehind(seen: Seen): Promise<Acquired | Seen> {
    const { policy, budget } = this.#plan
    const { callers, random } = this.#core
    const isOther = seen.kind === 'leased' && !this.#leases.isOurs(seen.stamp)
    if ((policy.singleFlight === 'process' && isOther) || this.#wait.isOver(callers.nowMs())) {
      return loadingBehind(seen.kind === 'leased' || seen.kind === 'entry' ? seen.stamp : undefined)
    }
    // A little randomness keeps the waiting processes from asking in step.
    const pauseMs = this.#wait.nextPauseMs() * (0.75 + 0.5 * random())
    await new Promise<void>((resolve) => callers.after(pauseMs, resolve))
    budget.renew()
    const ask = seen.kind === 'leased' ? this.#wait.nextAsk(callers.nowMs()) : 'read'
    return ask === 'claim' ? this.#leases.claimOrSee(this.#plan) : this.#leases.see(this.#plan)
  }
}

function loading(right: StoreRight): Acquired {
  return { kind: 'load', right }
}

function loadingBehind(fence: Bytes | undefined): Acquired {
  return loading({ fence, lease: undefined, mayKeep: true })
}

function isDecided(come: Acquired | Seen): come is Acquired {
  return come.kind === 'load' || come.kind === 'found' || come.kind === 'leave'
}
