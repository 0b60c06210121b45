// How long one read may wait for L2.
import type { AtMs } from '../../model/entry.js'
import type { Policy } from '../../model/options/policy.js'
import type { Core } from '../core.js'
import { TimeBudget } from '../runtime/time-budget.js'

/** The time that L2 may cost a read that began at `sinceMs` of the callers' clock. */
export function l2BudgetOf(
  { callers, remote }: Pick<Core, 'callers' | 'remote'>,
  { hardTimeoutMs }: Policy,
  sinceMs: AtMs = callers.nowMs(),
): TimeBudget {
  const tier = remote?.tier
  const starting = tier?.starting
  if (tier === undefined || starting === undefined) return new TimeBudget(callers, tier?.timeoutMs ?? 0, sinceMs)
  // The first connection has time of its own, beside the time that L2 may cost a read once it is connected. The loader must still be
  // able to run before the caller's own limit ends.
  const moreMs = Math.min(tier.connectTimeoutMs, hardTimeoutMs / 2 - tier.timeoutMs)
  const budget = new TimeBudget(callers, tier.timeoutMs, sinceMs, moreMs)
  void starting.then(() => budget.renew())
  return budget
}
