// The metrics of caches in a registry of prom-client. Typed structurally, so this package imports no version of it.
import type { Cache } from '../cache/cache.js'
import { type MetricFamily, readMetrics } from '../cache/metrics.js'
import { checkMethods } from '../model/option-rules.js'
import { type ExposedValue, valuesOf } from './values.js'

/** What is needed of a `Registry` of prom-client, version 14 or 15. */
export interface PrometheusRegistry {
  registerMetric(metric: never): void
  removeSingleMetric(name: string): void
}

/** What a registry asks of a metric. */
interface RegistryMetric {
  /** Not read-only: for OpenMetrics the registry removes the suffix `_total`, and adds it to each value. */
  name: string
  readonly type: MetricFamily['kind']
  get(): {
    readonly name: string
    readonly help: string
    readonly type: MetricFamily['kind']
    readonly aggregator: 'sum'
    readonly values: readonly ExposedValue[]
  }
  /** Called by `resetMetrics()` of the registry. What the cache has counted stays. */
  reset(): void
}

/**
 * Adds the metrics of one cache or of several to `registry`, such as `register` of prom-client. They are read from `stats()` at each
 * scrape, and nothing is done between scrapes. Returns a function that removes them. Throws `INVALID_OPTION` for two caches of one path,
 * and what the registry throws if it has metrics of these names: register all caches of a process together.
 */
export function registerMetrics(registry: PrometheusRegistry, caches: Cache | readonly Cache[]): () => void {
  checkMethods(registry, 'the first argument', ['registerMetric', 'removeSingleMetric'], 'a registry of prom-client')
  const read = readingOncePerTick(caches)
  const metrics = read().map((family, i) => metricOf(family, () => read()[i] as MetricFamily))
  const names: string[] = []
  const remove = () => {
    for (const name of names) registry.removeSingleMetric(name)
  }
  try {
    for (const metric of metrics) {
      registry.registerMetric(metric as never)
      names.push(metric.name)
    }
  } catch (error) {
    remove()
    throw error
  }
  return remove
}

function metricOf({ name, help, kind }: MetricFamily, read: () => MetricFamily): RegistryMetric {
  const metric: RegistryMetric = {
    name,
    type: kind,
    get: () => ({ name: metric.name, help, type: kind, aggregator: 'sum', values: valuesOf(read()) }),
    reset: () => undefined,
  }
  return metric
}

/** A scrape asks each metric for its values, all in one tick: they share one reading. */
function readingOncePerTick(caches: Cache | readonly Cache[]): () => readonly MetricFamily[] {
  let reading: readonly MetricFamily[] | undefined
  return () => {
    if (reading !== undefined) return reading
    reading = readMetrics(caches)
    void Promise.resolve().then(() => {
      reading = undefined
    })
    return reading
  }
}
