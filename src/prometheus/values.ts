// The samples of a metric as an exposition lists them: a histogram consists of several series.
import type { MetricLabels } from '../cache/metric-families.js'
import type { MetricDistribution, MetricFamily } from '../cache/metrics.js'

/** One line of an exposition. `metricName` is set if it is not the name of the metric. */
export interface ExposedValue {
  readonly metricName?: string
  readonly labels: MetricLabels
  readonly value: number
}

export function valuesOf(family: MetricFamily): readonly ExposedValue[] {
  if (family.kind !== 'histogram') return family.samples
  return family.distributions.flatMap((distribution) => seriesOf(family.name, distribution))
}

function seriesOf(name: string, { labels, count, sum, buckets }: MetricDistribution): readonly ExposedValue[] {
  return [
    ...buckets.map(({ le, count }) => ({
      metricName: `${name}_bucket`,
      labels: { ...labels, le: le === Number.POSITIVE_INFINITY ? '+Inf' : String(le) },
      value: count,
    })),
    { metricName: `${name}_sum`, labels, value: sum },
    { metricName: `${name}_count`, labels, value: count },
  ]
}
