// One application of the suite with its cache, on a clock that the case moves.
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import { type HttpCache, type HttpCacheOptions, httpCache } from 'tiercache/http'
import { FakeClock } from 'tiercache/testing'
import type { App, AppAdapter, AppRequest, AppRoute, Reply, RunningApp } from '../app.js'
import { fetchFrom, type Got, open, type Sent } from './client.js'

/** A case of the suite. `run` rejects if the adapter does not do what the name says. */
export interface HttpCase {
  readonly name: string
  run(adapter: AppAdapter): Promise<void>
}

type Handler = (request: AppRequest, run: number) => Reply | Promise<Reply>

/** What a case needs. A handler for a path is a route of GET. */
export interface SiteOptions {
  readonly http?: HttpCacheOptions<never>
  readonly cache?: CacheOptions
  readonly everywhere?: boolean
  readonly outerHeaders?: App['outerHeaders']
  readonly routes?: readonly (Omit<AppRoute, 'handle' | 'method'> & { method?: string; handle: Handler })[]
}

export class Site {
  readonly cache: Cache
  readonly clock: FakeClock
  readonly http: HttpCache<never>
  readonly #runs: Map<string, number>
  readonly #app: RunningApp

  private constructor(parts: {
    cache: Cache
    clock: FakeClock
    http: HttpCache<never>
    runs: Map<string, number>
    app: RunningApp
  }) {
    this.cache = parts.cache
    this.clock = parts.clock
    this.http = parts.http
    this.#runs = parts.runs
    this.#app = parts.app
  }

  /** Starts an application whose handlers count their runs. */
  static async open(adapter: AppAdapter, options: SiteOptions): Promise<Site> {
    const clock = new FakeClock(Date.now())
    const cache = createCache({ logger: false, clock, ...options.cache })
    const http = httpCache<never>(cache, options.http)
    const runs = new Map<string, number>()
    const routes = (options.routes ?? []).map(
      ({ method = 'GET', handle, ...route }): AppRoute => ({
        ...route,
        method,
        handle: async (request) => {
          const run = (runs.get(route.path) ?? 0) + 1
          runs.set(route.path, run)
          return handle(request, run)
        },
      }),
    )
    const { everywhere = true, outerHeaders } = options
    const app = await adapter.start({ http, everywhere, routes, ...(outerHeaders && { outerHeaders }) })
    return new Site({ cache, clock, http, runs, app })
  }

  /** How often the handler of a path has run. */
  runs(path: string): number {
    return this.#runs.get(path) ?? 0
  }

  get(target: string, headers: Readonly<Record<string, string>> = {}): Promise<Got> {
    return fetchFrom(`${this.#app.url}${target}`, { headers })
  }

  send(method: string, target: string, sent: Sent = {}): Promise<Got> {
    return fetchFrom(`${this.#app.url}${target}`, { ...sent, method })
  }

  open(target: string, sent: Sent = {}) {
    return open(`${this.#app.url}${target}`, sent)
  }

  get host(): string {
    return new URL(this.#app.url).host
  }

  /** Moves the time, once what was recorded is stored. */
  async pass(ms: number): Promise<void> {
    await this.settle()
    await this.clock.advance(ms)
  }

  /** Resolves when what was recorded is stored. Stores begin within a few turns of the event loop. */
  async settle(): Promise<void> {
    await this.settleTurns(10)
    await this.cache.drain()
  }

  /** Lets the event loop turn, so that what is on its way on the loopback arrives. */
  async settleTurns(turns: number): Promise<void> {
    for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setTimeout(resolve, 1))
  }

  /** Resolves when the handler of a path has begun its `count`th run. */
  async waitForRuns(path: string, count: number): Promise<void> {
    while (this.runs(path) < count) await this.settleTurns(1)
  }

  urlOf(target: string): string {
    return `${this.#app.url}${target}`
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#app.close()
    await this.cache.close()
  }
}

/** `Cache-Status` of a response. */
export function statusOf({ headers }: Got): string {
  return String(headers['cache-status'])
}

/** A handler that says which run it was. */
export function counting(headers: Reply['headers'] = {}): Handler {
  return (_request, run) => ({ headers, body: `run ${run}` })
}
