// The metrics of one instance of the shop: served while the demo runs, and a digest of them.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Cache } from 'tiercache'
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from 'tiercache/prometheus'

export interface MetricsPage {
  readonly url: string
  stop(): void
}

/** Serves `/metrics` on a free port of this machine, for a Prometheus or a browser. */
export async function serveMetrics(cache: Cache): Promise<MetricsPage> {
  const server = createServer((_request, response) => {
    response.setHeader('content-type', PROMETHEUS_CONTENT_TYPE).end(prometheusText(cache))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/metrics`, stop: () => server.close() }
}

/** The sum of the series of one metric that have all of these labels, such as `result="hit"`, in what a scrape returns. */
export async function scraped(url: string, metric: string, ...labels: readonly string[]): Promise<number> {
  const lines = (await (await fetch(url)).text()).split('\n')
  const series = lines.filter((line) => line.startsWith(`${metric}{`) && labels.every((label) => line.includes(label)))
  return series.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
}
