// An open-loop load generator: requests begin at fixed times whatever becomes of earlier ones, and a latency counts from the time at which
// the request should have begun. So a server that stands still makes every request late that it keeps from beginning, as it would for users.
import { quantile } from '../harness/statistics.js'
import type { Answer, ConnectionPool, Wanted } from './connections.js'

export interface Load {
  readonly pool: ConnectionPool
  readonly perSecond: number
  readonly seconds: number
  /** The `i`th request. */
  readonly request: (i: number) => Wanted
}

export interface LoadFigures {
  readonly requests: number
  /** GET requests, of which the latencies and the hit ratio are. */
  readonly reads: number
  /** Responses per second, until the last one has come. */
  readonly perSecond: number
  readonly connections: number
  /** No response, or a status of 400 or above. */
  readonly errors: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** The share of those whose `Cache-Status` says hit. */
  readonly hitRatio: number
}

/** Timers are late by a millisecond, so requests that are due are sent with each turn of the loop. */
export async function openLoop({ pool, perSecond, seconds, request }: Load): Promise<LoadFigures> {
  const count = Math.round(perSecond * seconds)
  const startMs = performance.now()
  const answers: Promise<Measured>[] = []
  while (answers.length < count) {
    const dueMs = startMs + (answers.length * 1_000) / perSecond
    if (dueMs > performance.now()) await turn()
    else answers.push(timed(pool, request(answers.length), dueMs))
  }
  const measured = await Promise.all(answers)
  return figuresOf(measured, pool.size, performance.now() - startMs)
}

/** A closed loop, as wrk has one: each connection begins its next request when its last one has ended. */
export async function closedLoop({ pool, seconds, request }: Omit<Load, 'perSecond'>): Promise<LoadFigures> {
  const startMs = performance.now()
  const untilMs = startMs + seconds * 1_000
  const measured: Measured[] = []
  let next = 0
  const client = async () => {
    while (performance.now() < untilMs) measured.push(await timed(pool, request(next++), performance.now()))
  }
  await Promise.all(Array.from({ length: pool.size }, client))
  return figuresOf(measured, pool.size, performance.now() - startMs)
}

interface Measured {
  readonly wanted: Wanted
  readonly tookMs: number
  readonly answer: Answer | undefined
}

async function timed(pool: ConnectionPool, wanted: Wanted, dueMs: number): Promise<Measured> {
  const answer = await pool.send(wanted).catch(() => undefined)
  return { wanted, tookMs: performance.now() - dueMs, answer }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1))
}

function figuresOf(measured: readonly Measured[], connections: number, tookMs: number): LoadFigures {
  const reads = measured.filter(({ wanted }) => wanted.method === 'GET')
  const sorted = reads.map((one) => one.tookMs).sort((a, b) => a - b)
  const hits = reads.filter(({ answer }) => answer?.cacheStatus.includes(';hit'))
  return {
    requests: measured.length,
    reads: reads.length,
    perSecond: (measured.length * 1_000) / tookMs,
    connections,
    errors: measured.filter(({ answer }) => answer === undefined || answer.status >= 400).length,
    p50Ms: quantile(sorted, 0.5),
    p95Ms: quantile(sorted, 0.95),
    p99Ms: quantile(sorted, 0.99),
    hitRatio: hits.length / Math.max(1, reads.length),
  }
}
