// The metrics of caches, in the form that every exporter renders: families of samples, made from `stats()` when they are read.
import type { LatencySnapshot } from '../flow/events/histogram.js'
import { CacheError, show } from '../model/errors.js'
import { MAX_METRIC_NAMESPACES } from '../model/limits.js'
import type { Cache } from './cache.js'
import type { CacheStats, PathStats } from './cache-stats.js'
import { FAMILIES, type MetricLabels, type MetricSample, type Reading } from './metric-families.js'

/** One distribution of a histogram, in seconds. The count of each bucket includes those of the smaller ones. */
export interface MetricDistribution {
  readonly labels: MetricLabels
  readonly count: number
  readonly sum: number
  readonly buckets: readonly { readonly le: number; readonly count: number }[]
}

/** One metric with its values. Names are those of Prometheus: counters end in `_total`, and units are seconds and bytes. */
export type MetricFamily = { readonly name: string; readonly help: string } & (
  | { readonly kind: 'counter' | 'gauge'; readonly samples: readonly MetricSample[] }
  | { readonly kind: 'histogram'; readonly distributions: readonly MetricDistribution[] }
)

/**
 * Reads the metrics of one cache or of several, for an exporter: always the same families in the same order. One reading of each cache is
 * behind all families, so they agree with each other. At most 21 namespaces per cache have series of their own, `other` included. Throws
 * `INVALID_OPTION` for two caches of one path.
 */
export function readMetrics(caches: Cache | readonly Cache[]): readonly MetricFamily[] {
  const readings = checkCaches(caches).map(readingOf)
  const single = FAMILIES.map(({ kind, name, help, samplesOf }): MetricFamily => {
    return { kind, name: `tiercache_${name}`, help, samples: readings.flatMap(samplesOf) }
  })
  const histograms = HISTOGRAMS.map(([name, help, snapshotOf]): MetricFamily => {
    const distributions = readings.flatMap((reading) => distributionsOf(reading.cache, snapshotOf(reading)))
    return { kind: 'histogram', name: `tiercache_${name}`, help, distributions }
  })
  return [...single, ...histograms]
}

/** `caches` as a list, without two of one path: their series would be the same. */
function checkCaches(caches: Cache | readonly Cache[]): readonly Cache[] {
  const list = (Array.isArray(caches) ? caches : [caches]) as readonly Cache[]
  const paths = new Set<string>()
  for (const cache of list) {
    if (typeof cache?.stats !== 'function') {
      throw new CacheError('INVALID_OPTION', `expected a cache or an array of caches; got ${show(cache)}`)
    }
    if (paths.has(cache.path)) {
      throw new CacheError(
        'INVALID_OPTION',
        `expected caches of different paths, because the path is a label; ${cache.path} came twice. Give each cache a name of its own`,
      )
    }
    paths.add(cache.path)
  }
  return list
}

function readingOf(cache: Cache): Reading {
  const stats = cache.stats()
  const { detail } = cache.health()
  const has = { hasL2: detail.l2 !== 'none', hasBus: detail.bus !== 'none' }
  return { cache: cache.path, stats, ...has, namespaces: namespacesOf(stats) }
}

const OTHER = 'other'

/**
 * The paths that have series of their own. Invariant: they are the first ones, so a path never moves into `other` or out of it, and no
 * counter ever falls.
 */
function namespacesOf({ byPath }: CacheStats): ReadonlyMap<string, readonly PathStats[]> {
  const namespaces = new Map<string, PathStats[]>()
  for (const [path, stats] of Object.entries(byPath)) {
    const name = path === OTHER || namespaces.size < MAX_METRIC_NAMESPACES ? path : OTHER
    const known = namespaces.get(name)
    if (known === undefined) namespaces.set(name, [stats])
    else known.push(stats)
  }
  return namespaces
}

type SnapshotOf = (reading: Reading) => LatencySnapshot | undefined

const HISTOGRAMS: readonly (readonly [name: string, help: string, snapshotOf: SnapshotOf])[] = [
  ['load_duration_seconds', 'How long each load took.', ({ stats }) => stats.loading.latency],
  ['l2_duration_seconds', 'How long L2 took to answer.', ({ hasL2, stats }) => (hasL2 ? stats.l2.latency : undefined)],
  ['stale_age_seconds', 'The age of values that were served although no longer fresh.', ({ stats }) => stats.staleAges],
]

/** Every second bucket of a histogram: bounds that grow by the factor four say enough, and cost half of the series. */
function distributionsOf(cache: string, snapshot: LatencySnapshot | undefined): readonly MetricDistribution[] {
  if (snapshot === undefined) return []
  const { count, sumMs, buckets } = snapshot
  let sum = 0
  const cumulated = buckets.map((bucket) => {
    sum += bucket.count
    return { le: bucket.leMs / 1_000, count: sum }
  })
  const kept = cumulated.filter(({ le }, i) => i % 2 === 0 || le === Infinity)
  return [{ labels: { cache }, count, sum: sumMs / 1_000, buckets: kept }]
}
