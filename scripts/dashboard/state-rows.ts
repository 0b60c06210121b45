// The rows about the tiers and the bus.
import * as units from '@grafana/grafana-foundation-sdk/units'
import { ofCache, quantile, RATE, rateOf, timeOfOperations } from './expressions.js'
import type { Row } from './row.js'

export const l2: Row = {
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

export const otherProcesses: Row = {
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

export const memory: Row = {
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
