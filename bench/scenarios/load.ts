// Load by autocannon, drawn from a zipf distribution, with every single latency recorded: as fast as a few clients can, or at a rate
// that does not fall when responses are slow.
import { setTimeout as sleep } from 'node:timers/promises'
import autocannon from 'autocannon'
import { mulberry32 } from '../../test/support/random.js'
import { quantile } from '../harness/statistics.js'
import { WORDS, wordOf } from './table.js'

const UP_TO = cumulated(WORDS)
/** autocannon sends all requests of a client for one second at once, so this many groups of clients begin one after another. */
const GROUPS = 20
const GROUP_APART_MS = 1_000 / GROUPS
/** Longer than any queue of the database. */
const TIMEOUT_SECONDS = 30

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
  /** For all servers together. */
  readonly connections: number
  readonly seconds: number
  /** Requests per second for all connections together. Without it, as many as possible. */
  readonly rate?: number | undefined
}

export async function zipfLoad({ ports, connections, seconds, rate }: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = []
  const groups = rate === undefined ? 1 : GROUPS
  const parts = groups * ports.length
  const errors = await Promise.all(
    Array.from({ length: parts }, async (_, i) => {
      const group = Math.floor(i / ports.length)
      await sleep(group * GROUP_APART_MS)
      const part = {
        port: ports[i % ports.length] as number,
        connections: Math.ceil(connections / parts),
        duration: seconds,
        seed: i + 1,
        ...(rate === undefined ? {} : { overallRate: Math.ceil(rate / parts) }),
      }
      return cannonade(part, latenciesMs)
    }),
  )
  return summarizeLoad(latenciesMs, sum(errors), seconds * 1_000)
}

/** Every path once at every server, a few at a time, so that paths that nobody asked for by chance are cached, too. */
export async function sweep(ports: readonly number[], atOnce: number): Promise<void> {
  const urls = ports.flatMap((port) =>
    Array.from({ length: WORDS }, (_, rank) => `http://127.0.0.1:${port}/search/${wordOf(rank)}`),
  )
  const sweeper = async () => {
    for (let url = urls.shift(); url !== undefined; url = urls.shift()) await (await fetch(url)).arrayBuffer()
  }
  await Promise.all(Array.from({ length: atOnce }, sweeper))
}

/** Sends one request for the same path from this many clients at the same time. */
export async function rush(ports: readonly number[], path: string, callers: number): Promise<LoadResult> {
  const startMs = performance.now()
  const latenciesMs: number[] = []
  const each = Math.round(callers / ports.length)
  const errors = await Promise.all(
    ports.map((port) => cannonade({ port, connections: each, amount: each, path }, latenciesMs)),
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
  readonly overallRate?: number
}

function cannonade({ port, path, seed = 1, ...options }: Cannonade, latenciesMs: number[]): Promise<number> {
  let client = 0
  return new Promise((resolve, reject) => {
    const instance = autocannon(
      {
        url: `http://127.0.0.1:${port}${path ?? ''}`,
        timeout: TIMEOUT_SECONDS,
        ...options,
        ...(path === undefined
          ? { setupClient: (one: autocannon.Client) => one.setRequests([zipfRequest(seed * 1_000 + client++)]) }
          : {}),
      },
      (error, result) => (error ? reject(error) : resolve(result.errors + result.non2xx)),
    )
    instance.on('response', (_client, _status, _bytes, tookMs) => latenciesMs.push(tookMs))
  })
}

/** Drawn when it is sent: with thousands of requests prepared in advance, this process would be too busy to receive responses. */
function zipfRequest(seed: number): autocannon.Request {
  const random = mulberry32(seed)
  const setupRequest = (request: autocannon.Request) => {
    const target = random() * (UP_TO[WORDS - 1] as number)
    return { ...request, path: `/search/${wordOf(UP_TO.findIndex((sum) => sum >= target))}` }
  }
  return { method: 'GET', setupRequest }
}

function cumulated(kinds: number): number[] {
  let total = 0
  return Array.from({ length: kinds }, (_, rank) => {
    total += 1 / (rank + 1)
    return total
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
