// The dashboard and the alerts match the code: the committed dashboard is the one that is described, and every metric exists.
import { readFileSync } from 'node:fs'
import { createCache, readMetrics } from 'tiercache'
import { expect, test } from 'vitest'
import { dashboard } from '../../scripts/dashboard/dashboard.js'

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')

test('dashboards/tiercache.json is what scripts/dashboard describes (if not: run `npm run dashboard`)', () => {
  expect(JSON.parse(read('dashboards/tiercache.json'))).toEqual(JSON.parse(JSON.stringify(dashboard())))
})

test('every metric that the dashboard, the alerts and the guide name exists, and the guide names every metric', async () => {
  await using cache = createCache({ name: 'shop' })
  const names = readMetrics(cache).flatMap(({ name, kind }) =>
    kind === 'histogram' ? [name, `${name}_bucket`, `${name}_sum`, `${name}_count`] : [name],
  )
  for (const path of ['dashboards/tiercache.json', 'alerts/tiercache.yml', 'docs/guides/metrics.md']) {
    const named = [...read(path).matchAll(/\btiercache_[a-z0-9_]+/g)].map(([name]) => name)
    expect(named.length, path).toBeGreaterThan(10)
    expect(
      named.filter((name) => !names.includes(name)),
      path,
    ).toEqual([])
  }
  const guide = read('docs/guides/metrics.md')
  expect(readMetrics(cache).filter(({ name }) => !guide.includes(`\`${name}\``))).toEqual([])
})

test('the guide has a row for every alert, with its `for` and its severity', () => {
  const rule = /- alert: (\w+)[\s\S]*?\n {8}for: (\w+)[\s\S]*?severity: (\w+)/g
  const alerts = [...read('alerts/tiercache.yml').matchAll(rule)].map(([, ...columns]) => columns)
  const rows = [...read('docs/guides/metrics.md').matchAll(/^\| `(Tiercache\w+)` \|.*\| (\w+) \| (\w+) \|$/gm)]
  expect(alerts).toHaveLength(10)
  expect(rows.map(([, ...columns]) => columns)).toEqual(alerts)
})
