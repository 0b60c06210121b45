// Load by autocannon, drawn from a zipf distribution, with every single latency kept.
import autocannon from 'autocannon'
import { quantile } from '../harness/statistics.js'
import { generator } from '../worker/draw.js'
import { WORDS, wordOf } from './table.js'

const REQUESTS_PER_CLIENT = 2_000

export interface LoadResult {
  readonly requests: number
  readonly perSecond: number
  readonly errors: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

export interface LoadOptions {
  readonly ports: readonly number[]
  /** Of all servers together. */
  readonly connections: number
  readonly seconds: number
}

export async function zipfLoad({ ports, connections, seconds }: LoadOptions): Promise<LoadResult> {
  const startMs = performance.now()
  const latenciesMs: number[] = []
  const errors = await Promise.all(
    ports.map((port, i) =>
      cannonade(
        { port, connections: Math.round(connections / ports.length), duration: seconds, seed: i + 1 },
        latenciesMs,
      ),
    ),
  )
  return summarizeLoad(latenciesMs, sum(errors), performance.now() - startMs)
}

/** So many clients ask for one path, each once, at the same time. */
export async function rush(ports: readonly number[], path: string, callers: number): Promise<LoadResult> {
  const startMs = performance.now()
  const latenciesMs: number[] = []
  const each = Math.round(callers / ports.length)
  const errors = await Promise.all(
    ports.map((port) => cannonade({ port, connections: each, amount: each, path, timeout: 30 }, latenciesMs)),
  )
  return summarizeLoad(latenciesMs, sum(errors), performance.now() - startMs)
}

interface Cannonade {
  readonly port: number
  readonly connections: number
  readonly duration?: number
  readonly amount?: number
  readonly path?: string
  readonly seed?: number
  readonly timeout?: number
}

function cannonade({ port, path, seed = 1, ...options }: Cannonade, latenciesMs: number[]): Promise<number> {
  let client = 0
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        url: `http://127.0.0.1:${port}${path ?? ''}`,
        ...options,
        ...(path === undefined
          ? { setupClient: (one: autocannon.Client) => one.setRequests(zipfRequests(seed * 1_000 + client++)) }
          : {}),
      },
      (error, result) => (error ? reject(error) : resolve(result.errors + result.timeouts + result.non2xx)),
    )
    instance.on('response', (_client, _status, _bytes, tookMs) => latenciesMs.push(tookMs))
  })
}

function zipfRequests(seed: number): autocannon.Request[] {
  const random = generator(seed)
  const upTo: number[] = []
  let total = 0
  for (let rank = 0; rank < WORDS; rank++) {
    total += 1 / (rank + 1)
    upTo.push(total)
  }
  return Array.from({ length: REQUESTS_PER_CLIENT }, () => {
    const target = random() * total
    return { method: 'GET' as const, path: `/search/${wordOf(upTo.findIndex((sum) => sum >= target))}` }
  })
}

function summarizeLoad(latenciesMs: number[], errors: number, tookMs: number): LoadResult {
  latenciesMs.sort((a, b) => a - b)
  return {
    requests: latenciesMs.length,
    perSecond: (latenciesMs.length * 1_000) / tookMs,
    errors,
    p50Ms: quantile(latenciesMs, 0.5),
    p95Ms: quantile(latenciesMs, 0.95),
    p99Ms: quantile(latenciesMs, 0.99),
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
