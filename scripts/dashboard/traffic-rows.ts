// The rows about what callers and loaders do.
import * as units from '@grafana/grafana-foundation-sdk/units'
import {
  failedLoads,
  hitRatio,
  ofCache,
  ofNamespace,
  quantile,
  rateOf,
  refusedFills,
  savedTime,
  staleAge,
  timeOfLoads,
} from './expressions.js'
import type { Row } from './row.js'

export const reads: Row = {
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

export const loads: Row = {
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

export const changes: Row = {
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

export const staleness: Row = {
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
