// The public suite for HTTP caches (https://github.com/http-tests/cache-tests, here its package `http-cache-tests`) through an adapter.
import { type IncomingMessage, type OutgoingHttpHeaders, request as requestOrigin } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { createCache } from 'tiercache'
import { type Fields, httpCache } from 'tiercache/http'
import { listen } from '../adapters/node-reply.js'
import type { AppAdapter, AppRequest, Reply } from '../app.js'
import { loadSuite, originListener, type SuiteTest } from './suite.js'

/** How many tests of each kind a cache passed. */
export interface Score {
  readonly required: Tally
  readonly optimal: Tally
  /** Tests of what a cache may do either way. */
  readonly check: Tally
}

export interface Tally {
  readonly passed: number
  readonly total: number
  /** The ids of the others, with what they say. */
  readonly failed: Readonly<Record<string, string>>
}

/** Runs every test for a shared cache, all at once: each has a URL of its own, and many wait for three seconds. */
export async function runCacheTests(adapter: AppAdapter): Promise<Score> {
  const { tests, run } = await loadSuite()
  const origin = await listen(await originListener())
  const cache = createCache({ logger: false, l1: { maxEntries: 10_000 } })
  const http = httpCache<never>(cache, { heuristic: 0.1, maxVariants: 100 })
  const routes = [{ method: '*', path: '/*', handle: (request: AppRequest) => forward(origin.url, request) }]
  const app = await adapter.start({ http, everywhere: true, routes })
  try {
    const results = await run(app.url)
    const tally = (kind: SuiteTest['kind']) =>
      tallyOf(
        tests.filter((test) => test.kind === kind),
        results,
      )
    return { required: tally('required'), optimal: tally('optimal'), check: tally('check') }
  } finally {
    await app.close()
    await origin.close()
    await cache.close()
  }
}

/** A test that depends on one that failed says nothing, so the suite does not count it. */
function tallyOf(tests: readonly SuiteTest[], results: ReadonlyMap<string, string | undefined>): Tally {
  const counted = tests.filter(({ dependsOn }) => dependsOn.every((id) => results.get(id) === undefined))
  const failed = counted.flatMap(({ id }) => {
    const message = results.get(id)
    return message === undefined ? [] : [[id, message] as const]
  })
  return { passed: counted.length - failed.length, total: counted.length, failed: Object.fromEntries(failed) }
}

/** The handler: it forwards to the origin of the suite, as a proxy does. */
async function forward(originUrl: string, request: AppRequest): Promise<Reply> {
  const { host: _, connection: __, 'transfer-encoding': ___, 'content-length': ____, ...headers } = request.headers
  const body = isSafe(request.method) ? undefined : await request.body()
  // A connection for each: some responses of the origin are malformed, and what follows on their connection would be, too.
  const options = { method: request.method, headers: headers as OutgoingHttpHeaders, agent: false }
  return new Promise((resolve, reject) => {
    const outgoing = requestOrigin(`${originUrl}${request.url}`, options, (response) => {
      const status = response.statusCode ?? 500
      buffer(response).then((bytes) => resolve({ status, headers: fieldsOf(response), body: bytes }), reject)
    })
    // The origin sends more than its Content-Length in two tests: what came before is the response.
    outgoing.on('error', (error) => void (error.message.startsWith('Parse Error') || reject(error))).end(body)
  })
}

function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** A field that came in several lines stays so. What belongs to the connection is made anew. */
function fieldsOf(response: IncomingMessage): Fields {
  const fields = Object.entries(response.headersDistinct).map(([name, lines]) => [
    name,
    lines?.length === 1 ? lines[0] : lines,
  ])
  const { 'transfer-encoding': _, 'keep-alive': __, ...kept } = Object.fromEntries(fields) as Fields
  return kept
}
