// What exporters cost: a hit in L1 with and without them, and one scrape of a cache with 20 namespaces. The control is a second cache
// without exporters: whichever cache a process uses first is the faster one, so compare with the control.
// Run: npx tsx bench/micro/metrics.ts

import { bench, do_not_optimize, run, summary } from 'mitata'
import { createCache } from 'tiercache'
import { observeMetrics, traceCaches } from 'tiercache/otel'
import { prometheusText, registerMetrics } from 'tiercache/prometheus'

const KEYS = Array.from({ length: 1_024 }, (_, i) => `user:${i}`)
const load = async (): Promise<number> => 1

const first = createCache({ ttl: '1h', name: 'first' })
const control = createCache({ ttl: '1h', name: 'control' })
const watched = createCache({ ttl: '1h', name: 'shop' })
const namespaces = Array.from({ length: 19 }, (_, i) => watched.namespace(`n${i}`))
for (const namespace of namespaces) await namespace.getOrSet('k', load)
for (const cache of [first, control, watched]) for (const key of KEYS) await cache.set(key, key)

registerMetrics({ registerMetric: () => undefined, removeSingleMetric: () => undefined }, watched)
const instrument = { addCallback: () => undefined }
const meter = {
  createObservableCounter: () => instrument,
  createObservableGauge: () => instrument,
  addBatchObservableCallback: () => undefined,
  removeBatchObservableCallback: () => undefined,
}
observeMetrics(meter, watched)
const span = {
  spanContext: () => ({ traceId: '', spanId: '', traceFlags: 0 }),
  setAttribute: () => undefined,
  setStatus: () => undefined,
  end: () => undefined,
}
traceCaches({ startSpan: () => span })

const caches = { 'no exporter, first': first, 'no exporter, control': control, 'both exporters': watched }
summary(() => {
  for (const [name, cache] of Object.entries(caches)) {
    bench(`hit in L1 × ${KEYS.length}, ${name}`, async () => {
      for (const key of KEYS) do_not_optimize(await cache.getOrSet(key, load))
    }).baseline(cache === control)
  }
})
bench('one scrape, 20 namespaces', () => do_not_optimize(prometheusText(watched)))

await run()
