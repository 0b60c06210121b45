// The metrics of caches as observable instruments: they are read when the SDK collects, and nothing is done in between.
import type { Cache } from '../cache/cache.js'
import type { MetricSample } from '../cache/metric-families.js'
import { type MetricFamily, readMetrics } from '../cache/metrics.js'
import { checkMethods } from '../model/option-rules.js'
import type { OtelBatchObserver, OtelInstrument, OtelMeter } from './api.js'

/** The metric of one instrument, such as `tiercache.reads`. A histogram becomes two: how many there were, and their sum. */
interface Metric {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly help: string
  readonly samples: readonly MetricSample[]
}

const METHODS = [
  'createObservableCounter',
  'createObservableGauge',
  'addBatchObservableCallback',
  'removeBatchObservableCallback',
]

/**
 * Makes the metrics of one cache or of several observable by `meter`, such as `metrics.getMeter('shop')` of `@opentelemetry/api`. They are
 * read from `stats()` at each collection. At most 21 namespaces per cache have series of their own, `other` included. Returns a function
 * that ends the observation. Throws `INVALID_OPTION` for two caches of one path.
 */
export function observeMetrics(meter: OtelMeter, caches: Cache | readonly Cache[]): () => void {
  checkMethods(meter, 'the first argument', METHODS, 'a meter of OpenTelemetry')
  const read = () => readMetrics(caches).flatMap(metricsOf)
  const instruments = read().map((metric) => instrumentOf(meter, metric))
  const observe = (observer: OtelBatchObserver) => {
    read().forEach(({ samples }, i) => {
      const instrument = instruments[i] as never
      for (const { labels, value } of samples) observer.observe(instrument, value, { ...labels })
    })
  }
  meter.addBatchObservableCallback(observe, instruments)
  return () => meter.removeBatchObservableCallback(observe, instruments)
}

function instrumentOf(meter: OtelMeter, { name, kind, help }: Metric): OtelInstrument {
  const options = { description: help, unit: unitOf(name) }
  return kind === 'counter' ? meter.createObservableCounter(name, options) : meter.createObservableGauge(name, options)
}

/** OpenTelemetry writes dots where Prometheus has the first underscore, and no `_total`. */
function metricsOf(family: MetricFamily): readonly Metric[] {
  const { help } = family
  const name = family.name.replace(/^tiercache_/, 'tiercache.').replace(/_total$/, '')
  if (family.kind !== 'histogram') return [{ name, kind: family.kind, help, samples: family.samples }]
  const { distributions } = family
  return [
    {
      name: `${name}.count`,
      kind: 'counter',
      help,
      samples: distributions.map(({ labels, count }) => ({ labels, value: count })),
    },
    {
      name: `${name}.sum`,
      kind: 'counter',
      help,
      samples: distributions.map(({ labels, sum }) => ({ labels, value: sum })),
    },
  ]
}

function unitOf(name: string): string {
  if (name.endsWith('.count')) return '1'
  if (name.includes('_seconds')) return 's'
  return name.endsWith('_bytes') ? 'By' : '1'
}
