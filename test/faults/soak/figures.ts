// The result of a soak in figures and in words, and whether it is good.
import { check, type Verdict } from '../history/checker.js'
import { Latencies } from './latencies.js'
import type { Sample } from './protocol.js'
import type { SoakResult } from './run.js'

export interface Figures {
  readonly minutes: number
  readonly processes: number
  readonly operations: number
  readonly rejections: readonly string[]
  readonly verdict: Verdict
  readonly troubles: Readonly<Record<string, number>>
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly counters: Readonly<Record<string, number>>
  /** By process: the median of the first and of the last third under traffic, in MB. */
  readonly memory: readonly { readonly firstMb: number; readonly lastMb: number }[]
  /** By process: once it is warm, and when it is idle at the end. */
  readonly handles: readonly { readonly first: number; readonly last: number }[]
  /** The median of the first and of the last third under traffic. */
  readonly redisKeys: { readonly first: number; readonly last: number }
  readonly leftAtRest: readonly { readonly flights: number; readonly background: number; readonly waiting: number }[]
  readonly endedByThemselves: boolean
}

/** The heap of one program after a collection varies by this much. */
const HEAP_NOISE_MB = 8
/** A connection that is being replaced exists twice for a moment. */
const HANDLE_NOISE = 4
/** The keys in Redis vary by this much: a server that was replaced begins with none. */
const KEY_NOISE = 500
/** Until then the first third of a run is that of entries whose ttl has not ended yet. */
const KEYS_JUDGED_FROM_MINUTES = 5

export function figuresOf(result: SoakResult): Figures {
  const latencies = new Latencies()
  for (const ended of result.ended) latencies.merge(ended.latencies)
  const { durationMs, processes, maxStalenessMs } = result.options
  return {
    minutes: durationMs / 60_000,
    processes,
    operations: sumOf(result.ended.map(({ operations }) => operations)),
    rejections: result.ended.flatMap(({ rejections }) => rejections),
    verdict: check(result.records, maxStalenessMs),
    troubles: result.troubles,
    p50Ms: latencies.quantileMs(0.5),
    p99Ms: latencies.quantileMs(0.99),
    maxMs: latencies.quantileMs(1),
    counters: addUp(result.ended.map(({ counters }) => counters)),
    memory: result.samples.map(thirds).map(([first, last]) => ({ firstMb: medianMb(first), lastMb: medianMb(last) })),
    handles: result.atRest.map(({ first, last }) => ({ first: first.handles, last: last.handles })),
    redisKeys: { first: median(thirds(result.redisKeys)[0]), last: median(thirds(result.redisKeys)[1]) },
    leftAtRest: result.atRest.map(({ last: { flights, background, waiting } }) => ({ flights, background, waiting })),
    endedByThemselves: result.ended.every(({ endedByItself }) => endedByItself),
  }
}

/** All that must not happen. */
export function problemsOf(figures: Figures): readonly string[] {
  const problems: string[] = figures.rejections.slice(0, 10).map((rejection) => `rejected: ${rejection}`)
  for (const violation of figures.verdict.violations.slice(0, 10)) {
    problems.push(`${violation.guarantee} broken by ${violation.lateMs.toFixed(1)} ms: ${JSON.stringify(violation)}`)
  }
  for (const { firstMb, lastMb } of figures.memory) {
    if (lastMb > firstMb * 1.2 + HEAP_NOISE_MB) problems.push(`memory grew from ${firstMb} to ${lastMb} MB`)
  }
  for (const { first, last } of figures.handles) {
    if (last > first + HANDLE_NOISE) problems.push(`handles grew from ${first} to ${last}`)
  }
  const { redisKeys, minutes } = figures
  if (minutes >= KEYS_JUDGED_FROM_MINUTES && redisKeys.last > redisKeys.first * 1.2 + KEY_NOISE)
    problems.push(`keys in Redis grew from ${redisKeys.first} to ${redisKeys.last}`)
  for (const left of figures.leftAtRest) {
    if (left.flights + left.background + left.waiting > 0) problems.push(`left at rest: ${JSON.stringify(left)}`)
  }
  if (!figures.endedByThemselves) problems.push('a process did not end by itself after close()')
  return problems
}

export function inWords(figures: Figures): string {
  const { verdict, troubles, counters } = figures
  const list = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')
  return [
    `soak: ${figures.minutes} minutes, ${figures.processes} processes, ${figures.operations} operations (${Math.round(figures.operations / figures.minutes / 60)} a second), ${figures.rejections.length} rejected`,
    `soak: checked ${verdict.reads} reads and ${verdict.writes.applied + verdict.writes.queued} changes (${verdict.writes.queued} queued): ${verdict.violations.length} violations, worst observed staleness ${Math.round(verdict.worstStalenessMs)} ms`,
    `soak: latency p50 ${figures.p50Ms.toFixed(2)} ms, p99 ${figures.p99Ms.toFixed(1)} ms, longest ${figures.maxMs.toFixed(0)} ms, loads included`,
    `soak: heap ${figures.memory.map(({ firstMb, lastMb }) => `${firstMb} → ${lastMb} MB`).join(', ')}; handles ${figures.handles.map(({ first, last }) => `${first} → ${last}`).join(', ')}; keys in Redis ${figures.redisKeys.first} → ${figures.redisKeys.last}`,
    `soak: ${list(counters)}`,
    `soak: ${sumOf(Object.values(troubles))} troubles: ${list(troubles)}`,
  ].join('\n')
}

function thirds<T>(samples: readonly T[]): readonly [readonly T[], readonly T[]] {
  const third = Math.max(1, Math.floor(samples.length / 3))
  return [samples.slice(0, third), samples.slice(-third)]
}

function medianMb(samples: readonly Sample[]): number {
  const bytes = median(samples.map(({ heapBytes, externalBytes }) => heapBytes + externalBytes))
  return Math.round((bytes / 1024 / 1024) * 10) / 10
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

function addUp(all: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {}
  for (const one of all) for (const [name, count] of Object.entries(one)) sums[name] = (sums[name] ?? 0) + count
  return sums
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0)
}
