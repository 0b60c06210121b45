// The entries of this process: its own writes that L2 does not have yet, and L1.

import { type AtMs, ageOf, type Entry } from '../../model/entry.js'
import type { CallWindows } from '../../model/options/call-windows.js'
import type { Policy } from '../../model/options/policy.js'
import type { Core } from '../core.js'
import type { UsableEntry } from '../flights/flight.js'
import type { SealPlan } from '../state/seal-plan.js'
import type { FoundEntry } from './found.js'
import { makeEntry } from './make-entry.js'

export class LocalEntries {
  readonly #core: Pick<Core, 'clock' | 'l1' | 'tokens' | 'local' | 'journal'>

  constructor(core: Pick<Core, 'clock' | 'l1' | 'tokens' | 'local' | 'journal'>) {
    this.#core = core
  }

  /** `usable` for a read. If there is none, a ghost of the key is a hit that a larger L1 would have had. */
  read(localKey: string, policy: Policy, windows?: CallWindows): UsableEntry | undefined {
    const usable = this.usable(localKey, policy, windows)
    const { l1, clock, tokens } = this.#core
    if (usable === undefined && l1?.ghosts !== undefined && policy.tiers !== 'l2') {
      const nowMs = clock.nowMs()
      l1.ghosts.missed(localKey, ({ untilMs, labels }) => nowMs < untilMs && tokens.compare(labels) === 'current')
    }
    return usable
  }

  /** The usable entry of this process. Its labels and the trust in the bus are checked. */
  usable(localKey: string, policy: Policy, windows?: CallWindows): UsableEntry | undefined {
    const { l1, clock, tokens } = this.#core
    const written = this.ownWrite(localKey)
    if (written !== undefined) return written.usable
    const entry = policy.tiers === 'l2' ? undefined : l1?.get(localKey)
    if (entry === undefined) return undefined
    const nowMs = clock.nowMs()
    const currency = tokens.verify(entry, nowMs)
    if (currency === 'invalidated') {
      // An entry that is only untrusted stays: L2 may confirm it.
      if (tokens.compare(entry.labels) === 'invalidated') l1?.delete(localKey)
      return undefined
    }
    if (currency === 'expired') entry.expire(tokens.expiredAtMs(entry.labels, nowMs))
    const age = ageOf(entry, nowMs)
    if (age === 'expired') {
      l1?.delete(localKey)
      return undefined
    }
    // It was in L1 too long for this call, which asks L2. Other calls may still take it.
    if (windows?.l1TtlMs !== undefined && nowMs >= entry.verifiedAtMs + windows.l1TtlMs) return undefined
    return { entry, tier: 'l1', age }
  }

  /**
   * A value that was set here and is not in L2 yet. This process reads it (G2), even if L1 did not keep it. `usable` is `undefined`
   * once the value has expired.
   */
  ownWrite(localKey: string): { readonly usable: UsableEntry | undefined } | undefined {
    const { clock, tokens, journal, local } = this.#core
    const unsent = local.unsent.planOf(localKey)
    const plan = unsent ?? (journal.size > 0 ? journal.pendingValue(localKey)?.plan : undefined)
    return plan && { usable: usableOf(plan, clock.nowMs(), tokens.epoch) }
  }

  /** Reads this process only, synchronously. Changes neither recency nor counters. */
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

  /** Copies an entry of L2 into L1, unless its key was invalidated while the reply was on its way. */
  copyToL1(localKey: string, keyMark: number, policy: Policy, found: FoundEntry): void {
    if (policy.tiers !== 'all' || policy.l1TtlMs <= 0) return
    if (this.#core.local.keyLog.brokenSince(keyMark, localKey)) return
    putInL1(this.#core, localKey, found.entry, policy, found.bytes)
  }

  release(value: unknown): unknown {
    return this.#core.l1 === undefined ? value : this.#core.l1.release(value)
  }

  /** The result of a flight, for one of its callers. A value that cannot be copied is in no tier either, so only they share it. */
  handOut(value: unknown): unknown {
    try {
      return this.release(value)
    } catch {
      return value // `storeFailed` has reported it, and an error of the cache never reaches the caller of a read
    }
  }
}

/** XFetch draws -ln(1 - random()). The smallest 1 - random() above 0 is 2^-53, and -ln(2^-53) is below 37. */
const LARGEST_DRAW = 37

/** Puts an entry into L1. Where hits need a decision (early refresh, a copy of the value), `hotUntilMs` sends them down the slow path. */
export function putInL1(
  core: Pick<Core, 'l1'>,
  localKey: string,
  entry: Entry,
  policy: Policy,
  sizeBytes: number | undefined,
): void {
  const { l1 } = core
  if (l1 === undefined) return
  if (!l1.sharesValues) entry.limitHits(0)
  else entry.limitHits(earlyFromMs(entry, policy))
  l1.set(localKey, entry, sizeBytes)
}

/** From when on a read may have to decide whether to refresh the entry early. */
function earlyFromMs(entry: Entry, policy: Policy): AtMs {
  const { earlyRefreshBeta: beta } = policy
  const byChanceMs = beta > 0 ? entry.freshUntilMs - entry.loadMs * beta * LARGEST_DRAW : Number.POSITIVE_INFINITY
  return policy.refreshAhead > 0 ? Math.min(byChanceMs, aheadFromMs(entry, policy)) : byChanceMs
}

/** From when on `refreshAhead` refreshes an entry. L1's own ttl is not the one that counts: its end makes the next read ask L2, not load. */
export function aheadFromMs({ createdAtMs, freshUntilMs }: Entry, { refreshAhead, ttlMs, l1TtlMs }: Policy): AtMs {
  const freshForMs = freshUntilMs - createdAtMs
  const fullMs = l1TtlMs < ttlMs ? Math.max(freshForMs, ttlMs) : freshForMs
  return fullMs === Number.POSITIVE_INFINITY ? fullMs : createdAtMs + fullMs * (1 - refreshAhead)
}

/** The entry for a value that L2 does not have yet. */
function usableOf(plan: SealPlan, nowMs: AtMs, epoch: number): UsableEntry | undefined {
  const entry = makeEntry({ ...plan, l1UntilMs: Number.POSITIVE_INFINITY, verifiedAtMs: nowMs, epoch })
  const age = ageOf(entry, nowMs)
  return age === 'expired' ? undefined : { entry, tier: 'l1', age }
}
