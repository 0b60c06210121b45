// The exporters with the packages that they are made for: prom-client in its oldest and its newest version, and the SDK of OpenTelemetry.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

const TRAFFIC = `
const cache = createCache({ name: 'shop' })
await cache.set('k', 1)
await cache.get('k')
await cache.getOrSet('loaded', async () => 1)
await cache.getOrSet('failed', async () => { throw new Error('down') }).catch(() => undefined)
`

const TYPED_PROMETHEUS = `
import { register, Registry } from 'prom-client'
import { createCache } from 'tiercache'
import { prometheusText, registerMetrics } from 'tiercache/prometheus'
export const remove: () => void = registerMetrics(register, createCache())
registerMetrics(new Registry(), [createCache({ name: 'a' }), createCache({ name: 'b' })])
export const text: string = prometheusText(createCache())
// @ts-expect-error a registry is needed
registerMetrics({}, createCache())
`

const TYPED_OTEL = `
import { metrics, trace } from '@opentelemetry/api'
import { createCache } from 'tiercache'
import { observeMetrics, traceCaches } from 'tiercache/otel'
export const end: () => void = observeMetrics(metrics.getMeter('shop'), createCache())
export const endTracing: () => void = traceCaches(trace.getTracer('shop'))
// @ts-expect-error a tracer is no meter
observeMetrics(trace.getTracer('shop'), createCache())
`

const NODE16 = { module: 'node16', moduleResolution: 'node16' }

describe.each(['14', '15'])('with prom-client %s', (version) => {
  let consumer: Consumer

  beforeAll(async () => {
    consumer = await createConsumer([inject('tarball'), `prom-client@${version}`, '@types/node@20'])
  })

  afterAll(() => consumer?.stop())

  test('its registry types fit', () => {
    expect(consumer.compile(['program.mts', 'program.cts'], TYPED_PROMETHEUS, NODE16)).toBe('')
  })

  test('a scrape has the same series as the text', async () => {
    const program = `
      import { Registry } from 'prom-client'
      import { createCache } from 'tiercache'
      import { prometheusText, registerMetrics } from 'tiercache/prometheus'
      ${TRAFFIC}
      await cache.drain()
      const registry = new Registry()
      registerMetrics(registry, cache)
      const seriesIn = (text) => text.split('\\n').filter((line) => line !== '').sort()
      const [scraped, text] = [seriesIn(await registry.metrics()), seriesIn(prometheusText(cache))]
      const differ = scraped.filter((line, i) => line !== text[i])
      registry.resetMetrics()
      const hits = scraped.find((line) => line.includes('result="hit",tier="l1"'))
      console.log(JSON.stringify({ count: scraped.length, differ, hits, after: seriesIn(await registry.metrics()).length }))
      await cache.close()`
    const { count, differ, hits, after } = JSON.parse(await consumer.runProgram('scrape.mjs', program))
    expect(differ).toEqual([])
    expect(count).toBeGreaterThan(100)
    expect(after).toBe(count)
    expect(hits).toBe('tiercache_reads_total{cache="shop",namespace="shop",result="hit",tier="l1"} 1')
  })

  // Version 14.0 knows no OpenMetrics.
  if (version === '14') return
  test('a registry of OpenMetrics gets each counter with one suffix', async () => {
    const program = `
      const { Registry } = require('prom-client')
      const { createCache } = require('tiercache')
      const { registerMetrics } = require('tiercache/prometheus')
      const registry = new Registry()
      registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE)
      registerMetrics(registry, createCache({ name: 'shop' }))
      registry.metrics().then(async () => console.log(await registry.metrics()))`
    const text = await consumer.runProgram('openmetrics.cjs', program)
    expect(text).toContain('# TYPE tiercache_writes counter')
    expect(text).toContain('tiercache_writes_total{cache="shop"} 0')
    expect(text).not.toContain('_total_total')
    expect(text.endsWith('# EOF')).toBe(true)
  })
})

describe('with OpenTelemetry', () => {
  let consumer: Consumer

  beforeAll(async () => {
    const sdk = ['@opentelemetry/api@1', '@opentelemetry/sdk-metrics@2', '@opentelemetry/sdk-trace-node@2']
    consumer = await createConsumer([inject('tarball'), ...sdk, '@types/node@20'])
  })

  afterAll(() => consumer?.stop())

  test('the types of its API fit', () => {
    expect(consumer.compile(['program.mts', 'program.cts'], TYPED_OTEL, NODE16)).toBe('')
  })

  test('a collection has the metrics of the cache', async () => {
    const program = `
      import { AggregationTemporality, InMemoryMetricExporter, MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics'
      import { createCache } from 'tiercache'
      import { observeMetrics } from 'tiercache/otel'
      ${TRAFFIC}
      const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
      const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })
      const provider = new MeterProvider({ readers: [reader] })
      observeMetrics(provider.getMeter('shop'), cache)
      await reader.forceFlush()
      const metrics = exporter.getMetrics()[0].scopeMetrics[0].metrics
      const points = metrics.flatMap(({ descriptor: { name, unit }, dataPoints }) =>
        dataPoints.map(({ value, attributes }) => ({ name, unit, value, attributes })))
      console.log(JSON.stringify(points.filter(({ name }) => /reads|loads|l1_entries/.test(name)).filter(({ value }) => value > 0)))
      await provider.shutdown()
      await cache.close()`
    const points: { name: string; value: number; attributes: Record<string, string> }[] = JSON.parse(
      await consumer.runProgram('collect.mjs', program),
    )
    const at = { cache: 'shop', namespace: 'shop' }
    expect(points.map(({ name, value, attributes }) => ({ name, value, attributes }))).toEqual([
      { name: 'tiercache.reads', value: 1, attributes: { ...at, result: 'hit', tier: 'l1' } },
      { name: 'tiercache.reads', value: 1, attributes: { ...at, result: 'loaded' } },
      { name: 'tiercache.reads', value: 1, attributes: { ...at, result: 'failed' } },
      { name: 'tiercache.loads', value: 1, attributes: { ...at, result: 'ok' } },
      { name: 'tiercache.loads', value: 1, attributes: { ...at, result: 'failed' } },
      { name: 'tiercache.l1_entries', value: 2, attributes: { cache: 'shop' } },
    ])
  })

  test('spans are children of the span that is active, and a caller that joins is linked to the load', async () => {
    const program = `
      import { trace } from '@opentelemetry/api'
      import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node'
      import { createCache } from 'tiercache'
      import { traceCaches } from 'tiercache/otel'
      const exporter = new InMemorySpanExporter()
      const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
      provider.register()
      const tracer = trace.getTracer('shop')
      traceCaches(tracer)
      const cache = createCache({ name: 'shop' })
      const load = () => new Promise((resolve) => setTimeout(resolve, 20, 1))
      const request = (name) => tracer.startActiveSpan(name, async (span) => {
        await cache.getOrSet('k', load)
        span.end()
      })
      await Promise.all([request('first'), request('second')])
      const spans = exporter.getFinishedSpans()
      const nameOf = (id) => spans.find((span) => span.spanContext().spanId === id)?.name
      console.log(JSON.stringify(spans.map(({ name, parentSpanContext, links }) => ({
        name, parent: nameOf(parentSpanContext?.spanId), links: links.map(({ context }) => nameOf(context.spanId)) }))))
      await cache.close()`
    const spans: { name: string; parent?: string; links: string[] }[] = JSON.parse(
      await consumer.runProgram('trace.mjs', program),
    )
    expect(spans).toContainEqual({ name: 'tiercache load', parent: 'first', links: [] })
    expect(spans).toContainEqual({ name: 'tiercache join', parent: 'second', links: ['tiercache load'] })
    expect(spans).toHaveLength(4)
  })
})
