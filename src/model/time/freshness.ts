// When to refresh and when to try again: pure decisions over numbers. `random` answers a number in [0, 1), as `Math.random` does.
import type { AtMs } from '../entry.js'

export type Random = () => number

/**
 * A ttl shortened by a random part of up to `jitter` (0 to 1), in whole ms, so that entries stored together do not expire together.
 * It only ever shortens: a ttl is a promise about the oldest value that may be served.
 */
export function jittered(ttlMs: number, jitter: number, random: Random): number {
  if (jitter === 0 || ttlMs === 0 || ttlMs === Number.POSITIVE_INFINITY) return ttlMs
  // A positive ttl stays positive: 0 would mean "do not cache".
  return Math.max(1, Math.round(ttlMs * (1 - jitter * random())))
}

export interface EarlyRefreshCase {
  readonly nowMs: AtMs
  readonly freshUntilMs: AtMs
  /** How long the last load took. */
  readonly loadMs: number
  /** Above 1 refreshes earlier, below 1 later; 0 is never. */
  readonly beta: number
  readonly random: Random
}

/**
 * Whether this read of a fresh entry should start its refresh already. Of many readers about one does, some time before expiry
 * that grows with the load's duration. XFetch, from A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache
 * Stampede Prevention", VLDB 2015: refresh when now − delta · beta · ln(rand) ≥ expiry.
 */
export function shouldRefreshEarly({ nowMs, freshUntilMs, loadMs, beta, random }: EarlyRefreshCase): boolean {
  if (beta === 0 || loadMs <= 0) return false
  // 1 - random() lies in (0, 1], whose logarithm is finite.
  return nowMs - loadMs * beta * Math.log(1 - random()) >= freshUntilMs
}

/** The pauses between loads that fail while a stale value is served: the first, doubled after each failure up to the longest. */
export interface FailureBackoffMs {
  readonly firstMs: number
  readonly longestMs: number
}

/**
 * How long to wait before try number `attempt` + 1, `attempt` (from 1) having failed: doubles from `baseMs` to `maxMs`, the upper
 * half of it random, so that processes that failed together do not come back together.
 */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: Random): number {
  const fullMs = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(fullMs * (0.5 + 0.5 * random()))
}
