// What exporters cost: a hit in L1 with and without them, which take turns, and one scrape of a cache with L2 and more than 20 namespaces.
// Whichever cache a process uses first is the faster one, so two others are compared, and a third one shows the noise.
// Run: npx tsx bench/micro/metrics.ts

import { bench, do_not_optimize, run } from 'mitata'
import { createCache } from 'tiercache'
import { observeMetrics, traceCaches } from 'tiercache/otel'
import { prometheusText, registerMetrics } from 'tiercache/prometheus'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { compareVersions } from './compare-versions.js'

const KEYS = Array.from({ length: 1_024 }, (_, i) => `user:${i}`)
const load = async (): Promise<number> => 1

const first = createCache({ ttl: '1h', name: 'first' })
const control = createCache({ ttl: '1h', name: 'control' })
const watched = createCache({ ttl: '1h', name: 'shop' })
for (const cache of [first, control, watched]) for (const key of KEYS) await cache.set(key, key)

/** 20 namespaces with series of their own, and the others. */
const large = createCache({ ttl: '1h', name: 'large', l2: memoryTier(new MemoryServer()) })
for (let i = 0; i < 40; i++) await large.namespace(`n${i}`).getOrSet('k', load)
await large.drain()

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

/** All keys once, as hits. Nothing is awaited: a hit returns the promise that its entry keeps. */
const hits = (cache: typeof watched) => () => {
  for (const key of KEYS) do_not_optimize(cache.getOrSet(key, load))
}
hits(first)()
const noise = compareVersions(hits(control), hits(first))
const cost = compareVersions(hits(control), hits(watched))
const ratioOf = (compared: typeof cost) => (compared.this / compared.other).toFixed(3)
console.log(`a hit in L1: ${(cost.other / KEYS.length).toFixed(1)} ns without exporters`)
console.log(`with both exporters ${ratioOf(cost)} ×; another cache without exporters ${ratioOf(noise)} ×\n`)

const series = prometheusText(large).match(/^tiercache/gm)?.length
bench(`one scrape, 20 namespaces, ${series} series`, () => do_not_optimize(prometheusText(large)))

await run()
await large.close()
