// When to refresh and when to try again: pure functions of numbers. `random` returns a number in [0, 1), as `Math.random` does.
import type { AtMs } from '../entry.js'

/** Returns a random number in [0, 1). */
export type Random = () => number

/**
 * Shortens a ttl by a random part of up to `jitter` (0 to 1), in whole ms, so that entries that were stored together do not expire
 * together. It never lengthens one, because a ttl is a promise about the oldest value that may be served.
 */
export function jittered(ttlMs: number, jitter: number, random: Random): number {
  if (jitter === 0 || ttlMs === 0 || ttlMs === Number.POSITIVE_INFINITY) return ttlMs
  // A positive ttl stays positive: 0 would mean "do not cache".
  return Math.max(1, Math.round(ttlMs * (1 - jitter * random())))
}

/** The numbers that decide about an early refresh. */
export interface EarlyRefreshCase {
  readonly nowMs: AtMs
  readonly freshUntilMs: AtMs
  /** How long the last load took. */
  readonly loadMs: number
  /** Above 1 refreshes earlier, below 1 later, 0 never. */
  readonly beta: number
  readonly random: Random
}

/**
 * Whether this read of a fresh entry should refresh it early. Of many readers about one does; how long before the expiry grows with the
 * duration of the load. This is XFetch, from A. Vattani, F. Chierichetti, K. Lowenstein, "Optimal Probabilistic Cache Stampede
 * Prevention", VLDB 2015: refresh when now − delta · beta · ln(rand) ≥ expiry.
 */
export function shouldRefreshEarly({ nowMs, freshUntilMs, loadMs, beta, random }: EarlyRefreshCase): boolean {
  if (beta === 0 || loadMs <= 0) return false
  // 1 - random() lies in (0, 1], whose logarithm is finite.
  return nowMs - loadMs * beta * Math.log(1 - random()) >= freshUntilMs
}

/** The pauses after failed loads, while a stale value is served: the first one, doubled after each further failure, up to the longest. */
export interface FailureBackoffMs {
  readonly firstMs: number
  readonly longestMs: number
}

/**
 * How long to wait after failed attempt number `attempt` (from 1). It doubles from `baseMs` up to `maxMs`. The upper half of it is random,
 * so that processes that failed together do not try again together.
 */
export function backoffMs(attempt: number, baseMs: number, maxMs: number, random: Random): number {
  const fullMs = Math.min(maxMs, baseMs * 2 ** Math.max(0, attempt - 1))
  return Math.round(fullMs * (0.5 + 0.5 * random()))
}
