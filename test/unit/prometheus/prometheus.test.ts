// The metrics as Prometheus gets them: names, labels, bounds, and the same numbers as in `stats()`.
import { type Cache, readMetrics } from 'tiercache'
import { PROMETHEUS_CONTENT_TYPE, prometheusText, registerMetrics } from 'tiercache/prometheus'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet, open } = leavesNothing()
const down = () => Promise.reject(new Error('down'))

/** The value of each series of an exposition, by its name and labels. */
function seriesOf(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]))
}

/** As much of a registry of prom-client as there is to a scrape. */
class Registry {
  readonly metrics = new Map<string, { name: string; get(): { values: readonly unknown[] }; reset(): void }>()

  registerMetric(metric: never): void {
    const { name } = metric as { name: string }
    if (this.metrics.has(name)) throw new Error(`A metric with the name ${name} has already been registered.`)
    this.metrics.set(name, metric)
  }

  removeSingleMetric(name: string): void {
    this.metrics.delete(name)
  }
}

describe('the text', () => {
  test('has the reads, loads and load times of each namespace', async () => {
    const { cache, clock } = l1Only({ name: 'shop' })
    const users = cache.namespace('users', { version: 3 })
    await users.set('1', 'ann')
    await users.get('1')
    await users.getOrSet('2', () => 'bob')
    await users.getOrSet('3', down).catch(() => undefined)
    const slow = cache.getOrSet('k', () => new Promise((resolve) => void clock.after(250, () => resolve(1))))
    await clock.advance(250)
    await slow
    const series = seriesOf(prometheusText(cache))
    const labels = 'cache="shop",namespace="shop/users@3"'
    expect(series.get(`tiercache_reads_total{${labels},result="hit",tier="l1"}`)).toBe(1)
    expect(series.get(`tiercache_reads_total{${labels},result="loaded"}`)).toBe(1)
    expect(series.get(`tiercache_reads_total{${labels},result="failed"}`)).toBe(1)
    expect(series.get(`tiercache_loads_total{${labels},result="ok"}`)).toBe(1)
    expect(series.get(`tiercache_loads_total{${labels},result="failed"}`)).toBe(1)
    expect(series.get('tiercache_load_seconds_total{cache="shop",namespace="shop"}')).toBe(0.25)
    expect(series.get('tiercache_load_duration_seconds_sum{cache="shop"}')).toBe(0.25)
    expect(series.get('tiercache_load_duration_seconds_count{cache="shop"}')).toBe(3)
  })

  test('has what memory, L2 and the bus are doing, and the invalidations by verb', async () => {
    const { a, b, clock } = await fleet({ name: 'shop', ttl: 10, staleWhileRevalidate: 100_000 })
    await a.cache.set('k', 1)
    await a.cache.invalidateTags(['t', 'u'])
    await a.cache.expireAll()
    await b.cache.clear()
    await clock.advance(1)
    const series = seriesOf(prometheusText(a.cache))
    expect(series.get('tiercache_invalidations_total{cache="shop",verb="invalidateTags"}')).toBe(1)
    expect(series.get('tiercache_invalidations_total{cache="shop",verb="expireAll"}')).toBe(1)
    expect(series.get('tiercache_invalidations_total{cache="shop",verb="remote"}')).toBe(1)
    expect(series.get('tiercache_invalidations_total{cache="shop",verb="delete"}')).toBe(0)
    expect(series.get('tiercache_l2_available{cache="shop"}')).toBe(1)
    expect(series.get('tiercache_l2_breaker{cache="shop",state="closed"}')).toBe(1)
    expect(series.get('tiercache_l2_breaker{cache="shop",state="open"}')).toBe(0)
    expect(series.get('tiercache_l2_operations_total{cache="shop",operation="apply"}')).toBeGreaterThan(0)
    expect(series.get('tiercache_bus_trusted{cache="shop"}')).toBe(1)
  })

  test('has nothing about L2 and the bus for a cache that has none, so no alert takes it for a broken one', () => {
    const { cache } = l1Only({ name: 'shop' })
    expect(
      [...seriesOf(prometheusText(cache)).keys()].filter((name) => /_(l2|bus)_(?!losses|messages)/.test(name)),
    ).toEqual([])
  })

  test('has nothing about the bus for a cache that has L2 alone', () => {
    const cache = open(new FakeClock(), { name: 'shop', l2: memoryTier(new MemoryServer(), { bus: false }) })
    const series = [...seriesOf(prometheusText(cache)).keys()]
    expect(series).toContain('tiercache_l2_available{cache="shop"}')
    expect(series).not.toContain('tiercache_bus_trusted{cache="shop"}')
  })

  test('counts how often the breaker opened', async () => {
    const { a, clock } = await fleet({ name: 'shop' })
    for (let i = 0; i < 3; i++) {
      a.tier.link.cut()
      a.tier.link.restore()
      await clock.advance(60_000)
    }
    expect(seriesOf(prometheusText(a.cache)).get('tiercache_l2_breaker_openings_total{cache="shop"}')).toBe(3)
  })

  test('has the age of what was served stale, in cumulated buckets', async () => {
    const { cache, clock } = l1Only({ name: 'shop', ttl: 10, staleWhileRevalidate: '1h' })
    await cache.set('k', 1)
    await clock.advance(60_000)
    await cache.get('k')
    const series = seriesOf(prometheusText(cache))
    expect(series.get('tiercache_stale_age_seconds_sum{cache="shop"}')).toBe(60)
    const buckets = [...series].filter(([name]) => name.startsWith('tiercache_stale_age_seconds_bucket'))
    expect(buckets.map(([, count]) => count)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    expect(buckets.at(-1)?.[0]).toBe('tiercache_stale_age_seconds_bucket{cache="shop",le="+Inf"}')
  })

  test('is in the format of Prometheus: each metric with HELP and TYPE before its series', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const lines = prometheusText(cache).trimEnd().split('\n')
    let current = ''
    for (const [i, line] of lines.entries()) {
      if (line.startsWith('# HELP ')) {
        current = line.split(' ')[2] as string
        expect(lines[i + 1]).toMatch(new RegExp(`^# TYPE ${current} (counter|gauge|histogram)$`))
        expect(current.endsWith('_total')).toBe(lines[i + 1]?.endsWith(' counter'))
      } else if (!line.startsWith('#')) {
        expect(line).toMatch(/^[a-z0-9_]+\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\} \d+(\.\d+)?$/)
        expect(line.startsWith(current)).toBe(true)
      }
    }
    expect(PROMETHEUS_CONTENT_TYPE).toBe('text/plain; version=0.0.4; charset=utf-8')
  })

  test('never names a key or a tag', async () => {
    const { cache } = l1Only({ name: 'shop' })
    await cache.set('secret-key', 1, { tags: ['secret-tag'] })
    await cache.invalidateTags('secret-tag')
    await cache.source('users', { load: (id: string) => id }).get('secret-id')
    expect(prometheusText(cache)).not.toContain('secret')
  })

  test('says the same as stats(), for every read and load', async () => {
    const { cache } = l1Only({ name: 'shop' })
    for (let i = 0; i < 200; i++) {
      const namespace = cache.namespace(`n${i % 40}`)
      await namespace.getOrSet(`k${i % 3}`, i % 7 === 0 ? down : () => i).catch(() => undefined)
    }
    const { reads, loads, loadFailures } = cache.stats()
    const series = [...seriesOf(prometheusText(cache))]
    const sum = (prefix: string, part = '') =>
      series.reduce((sum, [name, value]) => sum + (name.startsWith(`${prefix}{`) && name.includes(part) ? value : 0), 0)
    expect(sum('tiercache_reads_total')).toBe(reads.total)
    expect(sum('tiercache_reads_total', 'result="failed"')).toBe(reads.failed)
    expect(sum('tiercache_loads_total', 'result="ok"')).toBe(loads)
    expect(sum('tiercache_loads_total', 'result="failed"')).toBe(loadFailures)
  })
})

describe('the series', () => {
  test('are at most 500 for a cache with L2 and any number of namespaces, with 20 of them and one for the others', async () => {
    const { a, clock } = await fleet({ name: 'shop' })
    for (let i = 0; i < 300; i++) await a.cache.namespace(`n${i}`).getOrSet('k', () => i)
    await a.cache.delete('k')
    await a.cache.expire('k')
    await a.cache.drain()
    await clock.advance(1)
    const series = seriesOf(prometheusText(a.cache))
    expect(series.size).toBeLessThanOrEqual(500)
    const namespaces = new Set([...series.keys()].flatMap((name) => /namespace="([^"]*)"/.exec(name)?.[1] ?? []))
    expect([...namespaces]).toEqual(['shop', ...Array.from({ length: 19 }, (_, i) => `shop/n${i}`), 'other'])
    const others = series.get('tiercache_reads_total{cache="shop",namespace="other",result="loaded"}')
    expect(others).toBe(300 - 19)
  })

  test('never fall: a namespace that has series of its own keeps them', async () => {
    const { cache } = l1Only({ name: 'shop' })
    let before = seriesOf(prometheusText(cache))
    for (let i = 0; i < 130; i++) {
      await cache.namespace(`n${i}`).get('k')
      const after = seriesOf(prometheusText(cache))
      const fallen = [...before].filter(([name, value]) => !((after.get(name) ?? Number.NaN) >= value))
      expect(fallen).toEqual([])
      before = after
    }
  })

  test('of several caches stand side by side; two caches of one path are refused', () => {
    const { cache, clock } = l1Only({ name: 'shop' })
    const other = open(clock, { name: 'stock' })
    const series = [...seriesOf(prometheusText([cache, other])).keys()]
    expect(series).toContain('tiercache_l1_entries{cache="shop"}')
    expect(series).toContain('tiercache_l1_entries{cache="stock"}')
    expect(() => prometheusText([cache, cache])).toThrow(/shop came twice/)
    expect(() => prometheusText({} as Cache)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})

describe('a registry of prom-client', () => {
  test('gets one metric per family, and their present values at each scrape', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const registry = new Registry()
    registerMetrics(registry, cache)
    expect([...registry.metrics.keys()]).toEqual(readMetrics(cache).map(({ name }) => name))
    await cache.set('k', 1)
    expect(registry.metrics.get('tiercache_writes_total')?.get()).toEqual({
      name: 'tiercache_writes_total',
      help: 'Values that were set.',
      type: 'counter',
      aggregator: 'sum',
      values: [{ labels: { cache: 'shop' }, value: 1 }],
    })
    registry.metrics.get('tiercache_writes_total')?.reset()
    expect(cache.stats().writes).toBe(1)
  })

  test('reads each cache once per scrape', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const stats = vi.fn(() => cache.stats())
    const counted = { path: cache.path, stats, health: () => cache.health() } as unknown as Cache
    const registry = new Registry()
    registerMetrics(registry, counted)
    await Promise.resolve()
    stats.mockClear()
    const scrape = () => [...registry.metrics.values()].map((metric) => metric.get())
    scrape()
    expect(stats).toHaveBeenCalledTimes(1)
    await Promise.resolve()
    scrape()
    expect(stats).toHaveBeenCalledTimes(2)
  })

  test('loses them again on request, and none stays if one of the names is taken', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const registry = new Registry()
    const remove = registerMetrics(registry, cache)
    expect(() => registerMetrics(registry, cache)).toThrow(/already been registered/)
    expect(registry.metrics.size).toBeGreaterThan(20)
    remove()
    expect(registry.metrics.size).toBe(0)
    registry.registerMetric({ name: 'tiercache_writes_total' } as never)
    expect(() => registerMetrics(registry, cache)).toThrow(/already been registered/)
    expect([...registry.metrics.keys()]).toEqual(['tiercache_writes_total'])
  })

  test('is checked', () => {
    const { cache } = l1Only()
    expect(() => registerMetrics({} as never, cache)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
