// The package `http-cache-tests`, with types, and with a runner that may be used for one adapter after the other.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'

export interface SuiteTest {
  readonly id: string
  readonly kind: 'required' | 'optimal' | 'check'
  /** The ids of tests that must pass for this one to say anything. */
  readonly dependsOn: readonly string[]
}

interface GivenTest {
  readonly id: string
  readonly kind?: SuiteTest['kind']
  readonly browser_only?: boolean
  readonly depends_on?: readonly string[]
}

type Handler = (segments: readonly string[], request: IncomingMessage, response: ServerResponse) => void

/** The tests for shared caches, and what runs them. `run` resolves with what each failed test says, by its id. */
export async function loadSuite(): Promise<{
  readonly tests: readonly SuiteTest[]
  run(url: string): Promise<ReadonlyMap<string, string | undefined>>
}> {
  const suites = (await load<{ default: { tests: GivenTest[] }[] }>('tests/index.mjs')).default
  const { makeCacheTest, testResults } = await load<{
    makeCacheTest(test: GivenTest): Promise<void>
    testResults: Record<string, true | readonly [name: string, message: string]>
  }>('client/test.mjs')
  const config = await load<{ setFetch(fetch: unknown): void; setBaseUrl(url: string): void }>('client/config.mjs')
  const { default: fetch } = await load<{ default: unknown }>('node-fetch', '')
  const given = suites.flatMap(({ tests }) => tests).filter((test) => test.browser_only !== true)
  /** The tests write into themselves, so each run has its own. */
  const runOnce = async (some: readonly GivenTest[]) => {
    for (const { id } of some) delete testResults[id]
    await Promise.all(structuredClone(some).map((test) => makeCacheTest(test)))
  }
  return {
    tests: given.map(({ id, kind = 'required', depends_on: dependsOn = [] }) => ({ id, kind, dependsOn })),
    async run(url) {
      config.setFetch(fetch)
      config.setBaseUrl(url)
      await runOnce(given)
      // The tests measure real time, and on a busy machine some are late. Those that failed run once more, by themselves.
      await runOnce(given.filter(({ id }) => testResults[id] !== true))
      const results = Object.entries(testResults)
      return new Map(results.map(([id, result]) => [id, result === true ? undefined : result.join(': ')]))
    },
  }
}

/** The origin that the suite tests caches with. */
export async function originListener(): Promise<RequestListener> {
  const { default: config } = await load<{ default: Handler }>('server/handle-config.mjs')
  const { default: state } = await load<{ default: Handler }>('server/handle-state.mjs')
  const { default: test } = await load<{ default: Handler }>('server/handle-test.mjs')
  const handlers: Record<string, Handler> = { config, state, test }
  return (request, response) => {
    const [, name = '', ...segments] = new URL(request.url ?? '/', 'http://localhost').pathname.split('/')
    handlers[name]?.(segments, request, response)
  }
}

async function load<T>(file: string, folder = 'http-cache-tests/'): Promise<T> {
  return (await import(`${folder}${file}`)) as T
}
