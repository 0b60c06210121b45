// The text format of Prometheus, version 0.0.4: https://prometheus.io/docs/instrumenting/exposition_formats/
import type { Cache } from '../cache/cache.js'
import type { MetricLabels } from '../cache/metric-families.js'
import { type MetricFamily, readMetrics } from '../cache/metrics.js'
import { valuesOf } from './values.js'

/** The `Content-Type` of `prometheusText`. */
export const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

/**
 * Returns the metrics of one cache or of several as the text that Prometheus scrapes, for applications that use no client library.
 * Nothing is counted for it beforehand: it reads `stats()`. At most 21 namespaces per cache have series of their own, `other` included.
 * Throws `INVALID_OPTION` for two caches of one path.
 */
export function prometheusText(caches: Cache | readonly Cache[]): string {
  return readMetrics(caches).map(textOf).join('')
}

function textOf(family: MetricFamily): string {
  const { name, help, kind } = family
  const lines = valuesOf(family).map(
    ({ metricName = name, labels, value }) => `${metricName}${inBraces(labels)} ${value}\n`,
  )
  return `# HELP ${name} ${help}\n# TYPE ${name} ${kind}\n${lines.join('')}`
}

function inBraces(labels: MetricLabels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')
}
