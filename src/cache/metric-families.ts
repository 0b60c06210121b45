// The counters and gauges that exporters have, and how each is read from `stats()`.
import type { CacheStats, PathStats } from './cache-stats.js'

/** The labels of a sample. None of them ever has a key or a tag as its value. */
export type MetricLabels = Readonly<Record<string, string>>

/** One value of a counter or a gauge. */
export interface MetricSample {
  readonly labels: MetricLabels
  readonly value: number
}

/** One cache at the moment of the reading. */
export interface Reading {
  readonly cache: string
  readonly stats: CacheStats
  readonly hasL2: boolean
  /** Whether there are other processes to hear. */
  readonly hasBus: boolean
  readonly namespaces: ReadonlyMap<string, readonly PathStats[]>
}

type SamplesOf = (reading: Reading) => readonly MetricSample[]

/** The samples of every namespace: `countsOf` returns the label values and the count of each for one path. */
function byNamespace(
  names: readonly string[],
  countsOf: (stats: PathStats) => readonly (readonly [values: readonly (string | undefined)[], count: number])[],
): SamplesOf {
  return ({ cache, namespaces }) =>
    [...namespaces].flatMap(([namespace, paths]) => {
      const [first, ...others] = paths.map(countsOf)
      return (first ?? []).map(([values, count], i) => ({
        labels: labelsOf({ cache, namespace }, names, values),
        value: others.reduce((sum, counts) => sum + (counts[i]?.[1] ?? 0), count),
      }))
    })
}

function labelsOf(
  labels: MetricLabels,
  names: readonly string[],
  values: readonly (string | undefined)[],
): MetricLabels {
  const own = names.flatMap((name, i) => (values[i] === undefined ? [] : [[name, values[i] as string] as const]))
  return { ...labels, ...Object.fromEntries(own) }
}

/** One sample of the whole cache. */
function ofCache(read: (stats: CacheStats) => number): SamplesOf {
  return ({ cache, stats }) => [{ labels: { cache }, value: read(stats) }]
}

/** The samples of caches with an L2 only: without one, L2 is neither in use nor out of use. */
function withL2(samplesOf: SamplesOf): SamplesOf {
  return (reading) => (reading.hasL2 ? samplesOf(reading) : [])
}

/** The samples of caches with a bus only. */
function withBus(samplesOf: SamplesOf): SamplesOf {
  return (reading) => (reading.hasBus ? samplesOf(reading) : [])
}

/** One sample of the whole cache for each value of a label. */
function byLabel(name: string, valuesOf: (stats: CacheStats) => readonly (readonly [string, number])[]): SamplesOf {
  return ({ cache, stats }) => valuesOf(stats).map(([label, value]) => ({ labels: { cache, [name]: label }, value }))
}

const BREAKER_STATES = ['closed', 'open', 'half-open'] as const

function readsOf({ reads: { total: _total, ...reads } }: PathStats) {
  return Object.entries(reads).flatMap(([result, count]): [(string | undefined)[], number][] =>
    typeof count === 'number'
      ? [[[result, undefined], count]]
      : [
          [[result, 'l1'], count.l1],
          [[result, 'l2'], count.l2],
        ],
  )
}

function operationsOf({ l2: { operations } }: CacheStats, countOf: (each: OperationStats) => number) {
  return Object.entries(operations).map(([name, each]) => [name, countOf(each)] as const)
}

type OperationStats = CacheStats['l2']['operations'][string]

/** A counter or a gauge, and how its samples are read. */
interface Family {
  readonly kind: 'counter' | 'gauge'
  readonly name: string
  readonly help: string
  readonly samplesOf: SamplesOf
}

function counter(name: string, help: string, samplesOf: SamplesOf): Family {
  return { kind: 'counter', name: `${name}_total`, help, samplesOf }
}

function gauge(name: string, help: string, samplesOf: SamplesOf): Family {
  return { kind: 'gauge', name, help, samplesOf }
}

/** Always in this order. */
export const FAMILIES: readonly Family[] = [
  counter('reads', 'Reads by their outcome.', byNamespace(['result', 'tier'], readsOf)),
  counter(
    'loads',
    'Loads that returned (ok) or failed.',
    byNamespace(['result'], ({ loads, loadFailures }) => [
      [['ok'], loads],
      [['failed'], loadFailures],
    ]),
  ),
  counter(
    'load_seconds',
    'How long loads took together.',
    byNamespace([], ({ loadMs }) => [[[], loadMs / 1_000]]),
  ),
  counter(
    'stored',
    'Values that at least one tier took.',
    ofCache((stats) => stats.stored),
  ),
  counter(
    'store_failures',
    'Values that cannot be kept.',
    ofCache((stats) => stats.storeFailures),
  ),
  counter(
    'fills_refused',
    'Fills that lost to an invalidation.',
    ofCache((stats) => stats.fillsRefused),
  ),
  counter(
    'writes',
    'Values that were set.',
    ofCache((stats) => stats.writes),
  ),
  counter(
    'invalidations',
    'Invalidations by their verb; remote: announcements of other processes.',
    byLabel('verb', ({ invalidationsBy }) => Object.entries(invalidationsBy)),
  ),
  counter(
    'dropped',
    'Background work that was given up.',
    ofCache((stats) => stats.dropped),
  ),
  counter(
    'corrupt',
    'Entries of L2 that could not be used.',
    ofCache((stats) => stats.corrupt),
  ),
  counter(
    'queued',
    'Changes that L2 did not confirm at once.',
    ofCache((stats) => stats.queued),
  ),
  counter(
    'replayed',
    'Changes that reached L2 later.',
    ofCache((stats) => stats.replayed),
  ),
  gauge(
    'l1_entries',
    'Entries in memory.',
    ofCache(({ l1 }) => l1.entries),
  ),
  gauge(
    'l1_size_bytes',
    'Estimated size of the entries in memory.',
    ofCache(({ l1 }) => l1.bytes),
  ),
  counter(
    'l1_evictions',
    'Entries for which memory had no room.',
    ofCache(({ l1 }) => l1.evictions),
  ),
  counter(
    'l1_ghost_hits',
    'Misses of memory that one of so many times the entries would have served, with the option l1.ghosts.',
    byLabel('factor', ({ l1 }) => l1.ghosts?.larger.map(({ factor, hits }) => [String(factor), hits] as const) ?? []),
  ),
  gauge('l2_available', 'Whether a read would ask L2 now.', withL2(ofCache(({ l2 }) => Number(l2.available)))),
  gauge(
    'l2_breaker',
    'The state of the breaker: 1 for the present one.',
    withL2(byLabel('state', ({ l2 }) => BREAKER_STATES.map((state) => [state, Number(l2.breaker === state)]))),
  ),
  counter(
    'l2_breaker_openings',
    'How often the breaker opened after it had been closed.',
    withL2(ofCache((stats) => stats.breakerOpenings)),
  ),
  gauge('l2_queued_changes', 'Changes that wait until L2 can be reached.', withL2(ofCache(({ l2 }) => l2.waiting))),
  counter(
    'l2_operations',
    'Operations on L2 that it answered.',
    byLabel('operation', (stats) => operationsOf(stats, ({ answered }) => answered)),
  ),
  counter(
    'l2_operation_failures',
    'Operations on L2 that failed or were answered too late.',
    byLabel('operation', (stats) => operationsOf(stats, ({ failed }) => failed)),
  ),
  counter(
    'l2_operation_seconds',
    'How long the answered operations took together.',
    byLabel('operation', (stats) => operationsOf(stats, ({ sumMs }) => sumMs / 1_000)),
  ),
  gauge('bus_trusted', 'Whether L1 is served without asking L2.', withBus(ofCache(({ bus }) => Number(bus.trusted)))),
  counter(
    'bus_losses',
    'Gaps in the announcements.',
    ofCache((stats) => stats.busLosses),
  ),
  counter(
    'bus_messages_ignored',
    'Messages that were not understood.',
    ofCache((stats) => stats.messagesIgnored),
  ),
  gauge(
    'flights',
    'Loads that run now.',
    ofCache(({ loading }) => loading.flights),
  ),
  gauge(
    'background_operations',
    'Background work that runs or waits.',
    ofCache(({ loading }) => loading.background),
  ),
]
