// What the Grafana dashboard shows: rows of panels, each with its queries. `dashboard.ts` makes the JSON of it.
import * as units from '@grafana/grafana-foundation-sdk/units'

export interface Row {
  readonly title: string
  readonly panels: readonly Panel[]
}

export interface Panel {
  readonly title: string
  /** What a reader should know to judge the curves. */
  readonly description: string
  readonly unit: string
  readonly max?: number
  readonly style?: 'lines' | 'stacked'
  /** The legend of each query, such as `{{cache}}`, and its expression. */
  readonly queries: readonly (readonly [legend: string, expr: string])[]
}

const RATE = '[$__rate_interval]'
const ofCache = 'cache=~"$cache"'
const ofNamespace = `${ofCache}, namespace=~"$namespace"`

const rateOf = (metric: string, by: string, filter = ofCache) => `sum by (${by}) (rate(${metric}{${filter}}${RATE}))`
const quantile = (q: number, histogram: string) =>
  `histogram_quantile(${q}, sum by (cache, le) (rate(${histogram}_bucket{${ofCache}}${RATE})))`

/** The part of the reads that a tier served without waiting for a load, by namespace. */
const hitRatio = `${rateOf('tiercache_reads_total', 'cache, namespace', `${ofNamespace}, result=~"hit|stale"`)}
  / ${rateOf('tiercache_reads_total', 'cache, namespace', `${ofNamespace}, result!="aborted"`)}`

const timeOfLoads = `${rateOf('tiercache_load_seconds_total', 'cache, namespace', ofNamespace)}
  / ${rateOf('tiercache_loads_total', 'cache, namespace', ofNamespace)}`

const failedLoads = `${rateOf('tiercache_loads_total', 'cache, namespace', `${ofNamespace}, result="failed"`)}
  / ${rateOf('tiercache_loads_total', 'cache, namespace', ofNamespace)}`

/** Each read that needed no load of its own saved one, which takes as long as loads took on average since the processes started. */
const savedTime = `${rateOf('tiercache_reads_total', 'cache, namespace', `${ofNamespace}, result=~"hit|stale|joined"`)}
  * sum by (cache, namespace) (tiercache_load_seconds_total{${ofNamespace}})
  / (sum by (cache, namespace) (tiercache_loads_total{${ofNamespace}}) > 0)`

const timeOfOperations = `${rateOf('tiercache_l2_operation_seconds_total', 'cache, operation')}
  / ${rateOf('tiercache_l2_operations_total', 'cache, operation')}`

const refusedFills = `${rateOf('tiercache_fills_refused_total', 'cache')}
  / ${rateOf('tiercache_loads_total', 'cache', `${ofCache}, result="ok"`)}`

const staleAge = `${rateOf('tiercache_stale_age_seconds_sum', 'cache')}
  / ${rateOf('tiercache_stale_age_seconds_count', 'cache')}`

const reads: Row = {
  title: 'Reads',
  panels: [
    {
      title: 'Reads by outcome',
      description: 'Every read counts once.',
      unit: units.ReadsPerSecond,
      style: 'stacked',
      queries: [['{{result}}', rateOf('tiercache_reads_total', 'result', ofNamespace)]],
    },
    {
      title: 'Hit ratio',
      description: 'The part of the reads that memory or Redis served without waiting for a load.',
      unit: units.PercentUnit,
      max: 1,
      queries: [['{{namespace}}', hitRatio]],
    },
    {
      title: 'Hits by tier',
      description: 'Hits in memory (l1) cost no round trip.',
      unit: units.ReadsPerSecond,
      style: 'stacked',
      queries: [['{{tier}}', rateOf('tiercache_reads_total', 'tier', `${ofNamespace}, result="hit"`)]],
    },
  ],
}

const l2: Row = {
  title: 'L2',
  panels: [
    {
      title: 'L2 in use',
      description: '1: a read would ask Redis now. 0: calls go on without it.',
      unit: units.Short,
      max: 1,
      queries: [['{{cache}} {{instance}}', `tiercache_l2_available{${ofCache}}`]],
    },
    {
      title: 'Processes by the state of their breaker',
      description: 'closed: Redis is used. open: it is not. half-open: a trial runs.',
      unit: units.Short,
      style: 'stacked',
      queries: [['{{state}}', `sum by (state) (tiercache_l2_breaker{${ofCache}})`]],
    },
    {
      title: 'Openings of the breaker',
      description: 'Within the interval. Openings between two scrapes count, too.',
      unit: units.Short,
      queries: [
        [
          '{{cache}} {{instance}}',
          `sum by (cache, instance) (increase(tiercache_l2_breaker_openings_total{${ofCache}}${RATE}))`,
        ],
      ],
    },
    {
      title: 'Time of operations',
      description: 'How long the answered operations took on average.',
      unit: units.Seconds,
      queries: [['{{cache}} {{operation}}', timeOfOperations]],
    },
    {
      title: 'Time of operations, quantiles',
      description: 'Estimated from buckets that grow by the factor four.',
      unit: units.Seconds,
      queries: [
        ['{{cache}} p50', quantile(0.5, 'tiercache_l2_duration_seconds')],
        ['{{cache}} p99', quantile(0.99, 'tiercache_l2_duration_seconds')],
      ],
    },
    {
      title: 'Failed operations',
      description: 'They failed, or were answered too late.',
      unit: units.OpsPerSecond,
      queries: [['{{cache}} {{operation}}', rateOf('tiercache_l2_operation_failures_total', 'cache, operation')]],
    },
  ],
}

const loads: Row = {
  title: 'Loads',
  panels: [
    {
      title: 'Loads',
      description: 'What reaches the sources.',
      unit: units.OpsPerSecond,
      style: 'stacked',
      queries: [['{{namespace}} {{result}}', rateOf('tiercache_loads_total', 'namespace, result', ofNamespace)]],
    },
    {
      title: 'Failed loads',
      description: 'The part of the loads that failed.',
      unit: units.PercentUnit,
      max: 1,
      queries: [['{{namespace}}', failedLoads]],
    },
    {
      title: 'Time of loads',
      description: 'On average, failed ones included.',
      unit: units.Seconds,
      queries: [['{{namespace}}', timeOfLoads]],
    },
    {
      title: 'Time of loads, quantiles',
      description: 'Estimated from buckets that grow by the factor four.',
      unit: units.Seconds,
      queries: [
        ['{{cache}} p50', quantile(0.5, 'tiercache_load_duration_seconds')],
        ['{{cache}} p99', quantile(0.99, 'tiercache_load_duration_seconds')],
      ],
    },
    {
      title: 'Source time saved',
      description:
        'Seconds of loading that each second would cost more without the cache: reads without a load × average time of a load.',
      unit: units.Seconds,
      style: 'stacked',
      queries: [['{{namespace}}', savedTime]],
    },
    {
      title: 'Work under way',
      description: 'Loads that run now, and background work that runs or waits.',
      unit: units.Short,
      queries: [
        ['{{cache}} loads', `sum by (cache) (tiercache_flights{${ofCache}})`],
        ['{{cache}} background', `sum by (cache) (tiercache_background_operations{${ofCache}})`],
      ],
    },
  ],
}

const otherProcesses: Row = {
  title: 'Other processes',
  panels: [
    {
      title: 'Trust in the bus',
      description: '1: memory is served without asking Redis. 0: the other processes are not heard.',
      unit: units.Short,
      max: 1,
      queries: [['{{cache}} {{instance}}', `tiercache_bus_trusted{${ofCache}}`]],
    },
    {
      title: 'Trouble of the bus',
      description: 'Gaps in the announcements, and messages that were not understood.',
      unit: units.OpsPerSecond,
      queries: [
        ['{{cache}} gaps', rateOf('tiercache_bus_losses_total', 'cache')],
        ['{{cache}} ignored', rateOf('tiercache_bus_messages_ignored_total', 'cache')],
      ],
    },
    {
      title: 'Changes that wait for L2',
      description: 'The journal of each process. Above its bound it becomes one clear.',
      unit: units.Short,
      queries: [['{{cache}} {{instance}}', `tiercache_l2_queued_changes{${ofCache}}`]],
    },
    {
      title: 'Queued and replayed changes',
      description: 'Changes that L2 did not confirm at once, and those that reached it later.',
      unit: units.OpsPerSecond,
      queries: [
        ['{{cache}} queued', rateOf('tiercache_queued_total', 'cache')],
        ['{{cache}} replayed', rateOf('tiercache_replayed_total', 'cache')],
      ],
    },
  ],
}

const changes: Row = {
  title: 'Changes',
  panels: [
    {
      title: 'Invalidations',
      description: 'By their verb. remote: announcements of other processes.',
      unit: units.OpsPerSecond,
      style: 'stacked',
      queries: [['{{verb}}', rateOf('tiercache_invalidations_total', 'verb')]],
    },
    {
      title: 'Values',
      description: 'Values that were set, and values that at least one tier took.',
      unit: units.OpsPerSecond,
      queries: [
        ['{{cache}} set', rateOf('tiercache_writes_total', 'cache')],
        ['{{cache}} stored', rateOf('tiercache_stored_total', 'cache')],
      ],
    },
    {
      title: 'Refused fills',
      description: 'The part of the loaded values that was invalidated before it could be stored.',
      unit: units.PercentUnit,
      queries: [['{{cache}}', refusedFills]],
    },
    {
      title: 'What was not kept',
      description: 'Values that cannot be kept, entries that could not be used, and work that was given up.',
      unit: units.OpsPerSecond,
      queries: [
        ['{{cache}} cannot be kept', rateOf('tiercache_store_failures_total', 'cache')],
        ['{{cache}} unusable entry', rateOf('tiercache_corrupt_total', 'cache')],
        ['{{cache}} given up', rateOf('tiercache_dropped_total', 'cache')],
      ],
    },
  ],
}

const staleness: Row = {
  title: 'Stale answers',
  panels: [
    {
      title: 'Stale answers by reason',
      description: 'stale: while a refresh runs. staleIfError: the load failed. staleIfSlow: softTimeout passed.',
      unit: units.ReadsPerSecond,
      style: 'stacked',
      queries: [['{{result}}', rateOf('tiercache_reads_total', 'result', `${ofNamespace}, result=~"stale.*"`)]],
    },
    {
      title: 'Age of stale answers',
      description: 'On average, since the value was created.',
      unit: units.Seconds,
      queries: [
        ['{{cache}} average', staleAge],
        ['{{cache}} p99', quantile(0.99, 'tiercache_stale_age_seconds')],
      ],
    },
  ],
}

const memory: Row = {
  title: 'Memory',
  panels: [
    {
      title: 'Entries',
      description: 'In the memory of each process.',
      unit: units.Short,
      queries: [['{{cache}} {{instance}}', `tiercache_l1_entries{${ofCache}}`]],
    },
    {
      title: 'Size',
      description: 'Estimated.',
      unit: units.BytesIEC,
      queries: [['{{cache}} {{instance}}', `tiercache_l1_size_bytes{${ofCache}}`]],
    },
    {
      title: 'Evictions',
      description: 'Entries for which memory had no room.',
      unit: units.OpsPerSecond,
      queries: [['{{cache}} {{instance}}', rateOf('tiercache_l1_evictions_total', 'cache, instance')]],
    },
  ],
}

export const ROWS: readonly Row[] = [reads, l2, loads, otherProcesses, changes, staleness, memory]
