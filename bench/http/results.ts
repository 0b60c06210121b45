// The figures of a run, and the bars that they have to reach.
import type { Machine } from '../harness/machine.js'
import { type Summary, summarize } from '../harness/statistics.js'
import { RIVALS, type Slice } from './contenders.js'
import type { FrameworkName, ServerSettings } from './messages.js'
import type { ServerProcess } from './server-process.js'

export type What = 'hit' | 'brotli' | 'uncached' | 'p95' | 'cold'

export interface Figure {
  readonly what: What
  readonly framework: FrameworkName
  /** tiercache, or the rival. */
  readonly cache: string
  /** The multiple of what the framework costs without a cache, or runs of the handler. */
  readonly value: number
  /** The middle half of the rounds. */
  readonly low?: number
  readonly high?: number
  /** The multiple by wall time. */
  readonly wall?: number
  /** In microseconds of processor time a request, or milliseconds, with and without the cache. */
  readonly cost?: number
  readonly base?: number
}

export interface HttpResults extends Machine {
  readonly effort: 'full' | 'short'
  /** Their versions. */
  readonly packages: Readonly<Record<string, string>>
  readonly commit: string
  readonly measuredAt: string
  readonly command: string
  readonly figures: readonly Figure[]
}

export const BARS: Readonly<Record<What, { readonly title: string; readonly most: number; readonly unit: string }>> = {
  hit: { title: 'a hit, by the same constant body without a cache', most: 1.25, unit: '×' },
  brotli: { title: 'a hit with brotli, by compressing each time', most: 0.5, unit: '×' },
  uncached: { title: 'a route that is not cached', most: 1.03, unit: '×' },
  p95: { title: 'p95 of a handler of 120 ms, by that without a cache', most: 0.083, unit: '×' },
  cold: { title: 'runs of the handler for 1,000 callers on 4 processes, cold', most: 1, unit: '' },
}

export function ratioFigure(what: What, slices: ReadonlyMap<ServerProcess, readonly Slice[]>): Figure[] {
  return [...slices].flatMap(([{ settings }, own]) => {
    if (settings.caching === 'none') return []
    const base = [...slices].find(
      ([one]) => one.settings.framework === settings.framework && one.settings.caching === 'none',
    )
    const floor = base?.[1] as readonly Slice[]
    const ratios = summarize(own.map((slice, round) => slice.cpuUs / (floor[round] as Slice).cpuUs))
    return [
      {
        ...named(settings),
        what,
        value: ratios.median,
        low: ratios.low,
        high: ratios.high,
        wall: summarize(own.map((slice, round) => slice.wallUs / (floor[round] as Slice).wallUs)).median,
        cost: medianOf(own).median,
        base: medianOf(floor).median,
      },
    ]
  })
}

/** By the median of the turns. */
export function p95Figure(latencies: ReadonlyMap<ServerProcess, readonly number[]>): Figure[] {
  return [...latencies].flatMap(([{ settings }, own]) => {
    if (settings.caching === 'none') return []
    const floor = [...latencies].find(
      ([one]) => one.settings.framework === settings.framework && one.settings.caching === 'none',
    )?.[1] as readonly number[]
    const [cost, base] = [summarize(own).median, summarize(floor).median]
    return [{ ...named(settings), what: 'p95' as const, value: cost / base, cost, base }]
  })
}

export function coldFigure(settings: ServerSettings, runs: number): Figure {
  return { ...named(settings), what: 'cold', value: runs }
}

function named({ framework, caching }: ServerSettings): Pick<Figure, 'framework' | 'cache'> {
  return { framework, cache: caching === 'rival' ? (RIVALS[framework] as string) : 'tiercache' }
}

function medianOf(slices: readonly Slice[]): Summary {
  return summarize(slices.map(({ cpuUs }) => cpuUs))
}
