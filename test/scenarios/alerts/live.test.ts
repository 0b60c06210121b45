// A real Prometheus scrapes caches on real Redis servers while one thing after another goes wrong: every expression of the dashboard has a
// series, every alert fires for the cache in trouble and resolves, and the counters are what the traffic counted.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { prometheusText } from 'tiercache/prometheus'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ROWS } from '../../../scripts/dashboard/rows.js'
import { type Alert, type PrometheusServer, startPrometheus } from '../../support/prometheus.js'
import { sleep, waitFor } from '../../support/wait.js'
import { cachesOf, Rounds, startTroubles, type Trouble } from './troubles.js'

const RULES = readFileSync(new URL('../../../alerts/tiercache.yml', import.meta.url), 'utf8')

/** A minute of the rules is a second of this test. */
const HASTE = 60
const EVERY_MS = 500
const A_HANG_MS = 90_000

/** The rules with shorter windows and shorter `for`: 5m becomes 5s, and 6h becomes 360s. Nothing else changes. */
const hastened = RULES.replace(/(for: |\[)(\d+)([mh])/g, (_, before: string, count: string, unit: string) => {
  return `${before}${(Number(count) * (unit === 'h' ? 3_600 : 60)) / HASTE}s`
})

/** The expressions of the dashboard, with the labels of their legends. */
const PANEL_QUERIES = ROWS.flatMap(({ panels }) => panels)
  .flatMap(({ queries }) => queries)
  .map(([legend, expr]) => ({
    labels: [...legend.matchAll(/\{\{(\w+)\}\}/g)].map(([, label = '']) => label),
    expr: expr.replaceAll('$__rate_interval', '5s').replaceAll('$cache', '.*').replaceAll('$namespace', '.*'),
  }))

let troubles: Record<string, Trouble>
let rounds: Rounds
let prometheus: PrometheusServer
const server = createServer((_request, response) => response.end(prometheusText(cachesOf(Object.values(troubles)))))

/** The alerts that fired, as they were at first, by `cache alert`. */
const fired = new Map<string, Alert>()
/** The expressions that have had no series yet. */
const withoutSeries = new Set(PANEL_QUERIES)

const idOf = ({ labels: { cache, alertname } }: Alert) => `${cache} ${alertname}`

beforeAll(async () => {
  troubles = await startTroubles()
  rounds = new Rounds(Object.values(troubles))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port: targetPort } = server.address() as AddressInfo
  prometheus = await startPrometheus({ targetPort, rules: hastened, everyMs: EVERY_MS })
})

afterAll(async () => {
  await rounds?.end()
  await prometheus?.stop()
  server.close()
  for (const { traffic } of Object.values(troubles ?? {})) await traffic.cache.close()
  for (const { stop } of Object.values(troubles ?? {})) await stop?.()
})

async function look(): Promise<readonly Alert[]> {
  const alerts = await prometheus.alerts()
  for (const alert of alerts) if (alert.state === 'firing' && !fired.has(idOf(alert))) fired.set(idOf(alert), alert)
  for (const query of withoutSeries) {
    const samples = await prometheus.query(query.expr)
    const isShown = samples.some(({ labels, value }) => {
      return Number.isFinite(value) && query.labels.every((label) => label in labels)
    })
    if (isShown) withoutSeries.delete(query)
  }
  return alerts
}

const waitForAll = (what: string, check: () => Promise<readonly string[]>) =>
  waitFor(
    what,
    async () => {
      const missing = await check()
      if (missing.length > 0) throw new Error(missing.join('; '))
      return true
    },
    { limitMs: A_HANG_MS, everyMs: EVERY_MS },
  )

describe.sequential('a Prometheus that scrapes caches in trouble', () => {
  test('has no alert while all is well', { timeout: A_HANG_MS }, async () => {
    // As long as the longest windows of most rules, so that what is usual is known.
    await sleep(8_000)
    await look()
    expect([...fired.keys()]).toEqual([])
  })

  test('has a series for every expression of the dashboard, and each alert fires', {
    timeout: 2 * A_HANG_MS,
  }, async () => {
    rounds.isTroubled = true
    for (const { begin } of Object.values(troubles)) await begin?.()
    const expected = Object.entries(troubles).flatMap(([cache, { alerts }]) => alerts.map((name) => `${cache} ${name}`))
    await waitForAll('all alerts and all series', async () => {
      await look()
      const silent = expected.filter((id) => !fired.has(id))
      return [...silent, ...[...withoutSeries].map(({ expr }) => expr)]
    })
    const names = new Set(expected.map((id) => id.split(' ')[1]))
    expect([...names].sort()).toEqual([...(await prometheus.alertNames())].sort())
  })

  test('resolves every alert when the troubles are over', { timeout: 2 * A_HANG_MS }, async () => {
    rounds.isTroubled = false
    for (const { end } of Object.values(troubles)) await end?.()
    await waitForAll('no alert', async () => (await look()).map((alert) => `${idOf(alert)} ${alert.state}`))
  })

  test('had no alert for anything else', () => {
    const allowed = Object.entries(troubles).flatMap(([cache, { alerts, consequences = [] }]) =>
      [...alerts, ...consequences].map((name) => `${cache} ${name}`),
    )
    expect([...fired.keys()].filter((id) => !allowed.includes(id))).toEqual([])
  })

  test('shows whole sentences in every alert', () => {
    for (const { annotations } of fired.values()) {
      expect(Object.keys(annotations).sort()).toEqual(['description', 'runbook', 'summary'])
      expect(Object.values(annotations).join(' ')).not.toMatch(/\{\{|<no value>|<error|NaN/)
    }
  })

  test('has counted exactly the reads and loads of the traffic', async () => {
    await rounds.end()
    const endedAt = Date.now() / 1_000
    await waitFor('the last scrape', async () => {
      const times = await prometheus.query('timestamp(tiercache_reads_total{result="loaded"})')
      return times.every(({ value }) => value > endedAt)
    })
    const counted = async (what: string) => {
      const samples = await prometheus.query(`sum by (cache) (${what})`)
      return Object.fromEntries(samples.map(({ labels: { cache = '' }, value }) => [cache, value]))
    }
    const ofTraffic = (count: (trouble: Trouble) => number) =>
      Object.fromEntries(Object.entries(troubles).map(([name, trouble]) => [name, count(trouble)]))
    expect(await counted('tiercache_reads_total')).toEqual(ofTraffic(({ traffic }) => traffic.reads))
    expect(await counted('tiercache_loads_total{result="ok"}')).toEqual(ofTraffic(({ traffic }) => traffic.loads))
    expect(await counted('tiercache_loads_total{result="failed"}')).toEqual(
      ofTraffic(({ traffic }) => traffic.failedLoads),
    )
  })
})
