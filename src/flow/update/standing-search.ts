// What an update finds under its key in L2: the present value, and what must still stand there when the new one is stored.
import { ageOf } from '../../model/entry.js'
import { storeKeyOf } from '../../model/keys/key.js'
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { Core } from '../core.js'
import type { FoundEntry } from '../entries/found.js'
import type { Subject } from '../entries/remote-entries.js'
import type { Mark } from '../flights/invalidation-log.js'
import { LeaseWait } from '../leases/lease-wait.js'
import type { Leases } from '../leases/leases.js'
import type { Seen, StoreRight } from '../leases/store-right.js'
import { conflict, unreachable } from './update-errors.js'

/** What an update may replace. */
export interface Standing {
  /** What has the present value; `undefined` if there is none that `get` would return. */
  readonly present: Pick<FoundEntry, 'entry'> | undefined
  /** What the swap expects. */
  readonly fence: Bytes
  /** Holds our lease if nothing stood there. */
  readonly right: StoreRight
  /** Taken before L2 was asked. */
  readonly mark: Mark
}

/** What a search needs besides what it is about. */
export interface SearchParts {
  readonly core: Pick<Core, 'name' | 'clock' | 'callers' | 'random' | 'local'>
  readonly leases: Leases
  readonly leaseMs: Milliseconds
}

/** The most attempts to plant a lease. No cache makes so many of them fail; a stranger that keeps rewriting the key could. */
const MAX_TRIES = 50

/**
 * The search of one update, over all its attempts.
 *
 * A lease of another process is a load, or an update of a key that has no entry. The first one that is met is replaced: an update is a
 * write, so a load that began before it must not store its value. A further one may be that of an update that has replaced ours. It is
 * waited for, else two updates could go on replacing each other's leases for ever. So of the updates that meet at an absent key, the last
 * one to replace a lease stores its value, and the others then find an entry.
 */
export class StandingSearch {
  readonly #parts: SearchParts
  readonly #subject: Subject
  #wait: LeaseWait
  #mayReplace = true
  #hasCheckedLife = false
  #tries = 0

  constructor(parts: SearchParts, subject: Subject) {
    this.#parts = parts
    this.#subject = subject
    this.#wait = this.#newWait()
  }

  /** Rejects with `L2_UNAVAILABLE` and `UPDATE_CONFLICT`. */
  async find(): Promise<Standing> {
    const { leases, core } = this.#parts
    this.#subject.budget.renew()
    this.#wait = this.#newWait()
    this.#tries = 0
    let mark = core.local.keyLog.mark()
    let seen: Seen = await leases.see(this.#subject)
    for (;;) {
      const standing = this.#standingOf(seen, mark)
      if (standing !== undefined) return standing
      if (this.#tries >= MAX_TRIES) throw conflict('others keep replacing what stands there')
      mark = core.local.keyLog.mark()
      seen = await this.#next(seen)
    }
  }

  #standingOf(seen: Seen, mark: Mark): Standing | undefined {
    if (seen.kind === 'claimed') {
      const { lease } = seen
      // Whoever replaces it from now on has come later.
      this.#mayReplace = false
      const storeKey = storeKeyOf(this.#subject.localKey, this.#parts.core.name)
      return { present: undefined, fence: lease, right: rightBy(lease, storeKey), mark }
    }
    if (seen.kind === 'entry') {
      const age = ageOf(seen.entry, this.#parts.core.clock.nowMs())
      const present = age === 'fresh' || age === 'stale' ? seen : undefined
      return { present, fence: seen.stamp, right: rightBy(seen.stamp), mark }
    }
    if (seen.kind !== 'unusable' || seen.stamp === undefined) return undefined
    return { present: undefined, fence: seen.stamp, right: rightBy(seen.stamp), mark }
  }

  /** The next step towards something that can be replaced: one case for each kind of thing that may stand there. */
  #next(seen: Seen): Promise<Seen> {
    const { leases } = this.#parts
    switch (seen.kind) {
      case 'absent':
        this.#tries++
        return leases.claimOrSee(this.#subject)
      case 'unusable':
        this.#tries++
        return leases.replaceOrSee(this.#subject, seen.stamp)
      case 'leased':
        return this.#overLease(seen.stamp)
      case 'fenced':
        return this.#checkLife() ?? this.#behindFence()
      case 'later-format':
        return this.#checkLife() ?? Promise.reject(laterFormat())
      case 'unavailable':
        return this.#afterUnsent()
      case 'entry':
      case 'claimed':
        return Promise.resolve(seen)
      default:
        return seen satisfies never
    }
  }

  #overLease(stamp: Bytes): Promise<Seen> {
    if (!this.#mayReplace) return this.#pause('leased')
    this.#mayReplace = false
    this.#tries++
    return this.#parts.leases.replaceOrSee(this.#subject, stamp)
  }

  /** The source of truth is being changed. A value derived from what was there before must not outlive that change. */
  #behindFence(): Promise<Seen> {
    if (this.#wait.isOver(this.#parts.core.callers.nowMs())) {
      return Promise.reject(
        conflict('its source is being changed by a write-through, or the key is held, and that has not ended in time'),
      )
    }
    return this.#pause('fenced')
  }

  /** What no cache can have given its life is replaced by a claim; `undefined` if that was tried. */
  #checkLife(): Promise<Seen> | undefined {
    if (this.#hasCheckedLife) return undefined
    this.#hasCheckedLife = true
    this.#tries++
    return this.#parts.leases.claimOrSee(this.#subject)
  }

  /** L2 is not asked while a write of this process waits for tokens. That one ends by itself, and comes before the update. */
  #afterUnsent(): Promise<Seen> {
    const { core } = this.#parts
    const isWriting = core.local.unsent.has(this.#subject.localKey)
    if (!isWriting || this.#wait.isOver(core.callers.nowMs())) return Promise.reject(unreachable())
    return this.#pause('unsent')
  }

  /** Looks again after a pause. A lease that outlives the wait may be replaced. */
  async #pause(behind: 'leased' | 'fenced' | 'unsent'): Promise<Seen> {
    const { core, leases } = this.#parts
    const { callers, random } = core
    if (this.#wait.isOver(callers.nowMs())) {
      this.#mayReplace = true
      this.#wait = this.#newWait()
      return leases.see(this.#subject)
    }
    const pauseMs = this.#wait.nextPauseMs() * (0.75 + 0.5 * random())
    await new Promise<void>((resolve) => callers.after(pauseMs, resolve))
    this.#subject.budget.renew()
    const ask = behind === 'leased' ? this.#wait.nextAsk(callers.nowMs()) : 'read'
    return ask === 'claim' ? leases.claimOrSee(this.#subject) : leases.see(this.#subject)
  }

  /** As long as a load would wait, so an update whose function takes long is waited for, too. */
  #newWait(): LeaseWait {
    const { core, leaseMs } = this.#parts
    return new LeaseWait(core.callers.nowMs(), this.#subject.policy.hardTimeoutMs, leaseMs)
  }
}

export function rightBy(fence: Bytes, leaseUnder?: string): StoreRight {
  const lease = leaseUnder === undefined ? undefined : { storeKey: leaseUnder, stamp: fence }
  return { fence, lease, mayKeep: true }
}

function laterFormat(): Error {
  return conflict('a later release of tiercache wrote what stands there, which this one can neither read nor replace')
}
