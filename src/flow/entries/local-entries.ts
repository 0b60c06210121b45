// What this process has of a key: its own writes that L2 does not have yet, and L1.

import { type AtMs, ageOf, type Entry } from '../../model/entry.js'
import type { CallWindows } from '../../model/options/call-windows.js'
import type { Policy } from '../../model/options/policy.js'
import type { Core } from '../core.js'
import type { UsableEntry } from '../state/flight.js'
import type { SealPlan } from '../state/seal-plan.js'
import { makeEntry } from './make-entry.js'
import type { FoundEntry } from './remote-entries.js'

export class LocalEntries {
  readonly #core: Pick<Core, 'clock' | 'l1' | 'tokens' | 'local' | 'journal'>

  constructor(core: Pick<Core, 'clock' | 'l1' | 'tokens' | 'local' | 'journal'>) {
    this.#core = core
  }

  /** The entry of L1 that may be used in some way, with its labels and the trust in the bus checked. */
  usable(localKey: string, policy: Policy, windows?: CallWindows): UsableEntry | undefined {
    const { l1, clock, tokens } = this.#core
    const written = this.ownWrite(localKey)
    if (written !== undefined) return written.usable
    const entry = policy.tiers === 'l2' ? undefined : l1?.get(localKey)
    if (entry === undefined) return undefined
    const nowMs = clock.nowMs()
    const currency = tokens.verify(entry, nowMs)
    if (currency === 'invalidated') {
      // Not trusted is not dead: L2 may say that it is still what it was.
      if (tokens.compare(entry.labels) === 'invalidated') l1?.delete(localKey)
      return undefined
    }
    if (currency === 'expired') entry.expire(tokens.expiredAtMs(entry.labels, nowMs))
    const age = ageOf(entry, nowMs)
    if (age === 'expired') {
      l1?.delete(localKey)
      return undefined
    }
    // Too long in L1 for this call: it asks L2, which others need not.
    if (windows?.l1TtlMs !== undefined && nowMs >= entry.verifiedAtMs + windows.l1TtlMs) return undefined
    return { entry, tier: 'l1', age }
  }

  /**
   * A value that was set here and that L2 does not have yet is what this process reads (G2), whatever L1 made of it. `usable`
   * is `undefined` if its life is over.
   */
  ownWrite(localKey: string): { readonly usable: UsableEntry | undefined } | undefined {
    const { clock, tokens, journal, local } = this.#core
    const unsent = local.unsent.planOf(localKey)
    const plan = unsent ?? (journal.size > 0 ? journal.pendingValue(localKey)?.plan : undefined)
    return plan && { usable: usableOf(plan, clock.nowMs(), tokens.epoch) }
  }

  /** L1 only, synchronous; changes neither recency nor counters. */
  peek(localKey: string): unknown {
    const { l1, clock, tokens, local } = this.#core
    const unsent = local.unsent.planOf(localKey)
    if (unsent !== undefined) return this.release(unsent.value)
    const entry = l1?.peek(localKey)
    if (entry === undefined) return undefined
    const nowMs = clock.nowMs()
    if (tokens.verify(entry, nowMs) !== 'current') return undefined
    const age = ageOf(entry, nowMs)
    return age === 'fresh' || age === 'stale' ? this.release(entry.value) : undefined
  }

  /** L1 takes a copy of what L2 has, unless an invalidation came while the answer was on its way. */
  copyOf(localKey: string, keyMark: number, policy: Policy, found: FoundEntry): void {
    if (policy.tiers !== 'all' || policy.l1TtlMs <= 0) return
    if (this.#core.local.keyLog.brokenSince(keyMark, localKey)) return
    putInL1(this.#core, localKey, found.entry, policy, found.bytes)
  }

  release(value: unknown): unknown {
    return this.#core.l1 === undefined ? value : this.#core.l1.release(value)
  }

  /** What a flight answered. A value that cannot be copied was not kept either: only those who waited for it share it. */
  handOut(value: unknown): unknown {
    try {
      return this.release(value)
    } catch {
      return value // the event storeFailed told of it, and no error of the cache's reaches the caller of a read
    }
  }
}

/** XFetch draws at most this many natural logarithms: -ln of the smallest positive double below 1 that `random` can leave. */
const LARGEST_DRAW = 37

/** Puts an entry into L1. Where a hit needs a decision (early refresh, a copy of the value) it takes the longer way from the start. */
export function putInL1(
  core: Pick<Core, 'l1'>,
  localKey: string,
  entry: Entry,
  policy: Policy,
  sizeBytes: number | undefined,
): void {
  const { l1 } = core
  if (l1 === undefined) return
  if (!l1.sharesValues) entry.hotUntilMs = 0
  else if (policy.earlyRefreshBeta > 0) entry.hotUntilMs -= entry.loadMs * policy.earlyRefreshBeta * LARGEST_DRAW
  l1.set(localKey, entry, sizeBytes)
}

/** A value that L2 does not have yet, as the entry that it would be. */
function usableOf(plan: SealPlan, nowMs: AtMs, epoch: number): UsableEntry | undefined {
  const entry = makeEntry({ ...plan, l1UntilMs: Number.POSITIVE_INFINITY, verifiedAtMs: nowMs, epoch })
  const age = ageOf(entry, nowMs)
  return age === 'expired' ? undefined : { entry, tier: 'l1', age }
}
