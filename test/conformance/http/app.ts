// An application that every framework can run: the conformance suite describes its routes once, and each adapter turns them into its own.
import type { Fields, HttpCache, HttpTags, RouteOptions } from 'tiercache/http'

/** A request, as the handlers of the suite see it. */
export interface AppRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: Fields
  /** The whole body. */
  body(): Promise<Buffer>
  /** Adds tags to the response. */
  tag(tags: string | readonly string[]): void
}

/** What a handler responds. */
export interface Reply {
  readonly status?: number
  /** Set before the body, in this order. */
  readonly headers?: Fields
  /** Parts are written as they come, with backpressure. If they throw, the response breaks off. */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array | string>
}

/** The options of the application, without those whose request is that of a framework. */
export type AppRouteOptions = Omit<RouteOptions<never>, 'per' | 'skip' | 'tags'> & {
  readonly tags?: string | readonly string[]
  readonly per?: (request: { readonly headers: Fields }) => string | undefined
  readonly skip?: (request: { readonly url?: string | undefined }) => boolean
}

export interface AppRoute {
  readonly method: string
  readonly path: string
  /** The route has options of its own. */
  readonly route?: AppRouteOptions
  /** The route is a mutation that invalidates these tags. */
  readonly invalidates?: string | readonly string[]
  /** A handler that throws fails: the framework makes an error of it. */
  readonly handle: (request: AppRequest) => Reply | Promise<Reply>
}

export interface App {
  readonly http: HttpCache<never>
  /** Whether every request goes through the cache, or only the routes that have options. */
  readonly everywhere: boolean
  readonly routes: readonly AppRoute[]
  /** Headers that a middleware around the cache sets. */
  readonly outerHeaders?: Fields
}

/** A framework with its adapter. */
export interface AppAdapter {
  readonly name: string
  /** Starts the application on a free loopback port. */
  start(app: App): Promise<RunningApp>
}

export interface RunningApp {
  /** Such as `http://127.0.0.1:40123`. */
  readonly url: string
  close(): Promise<void>
}

/** The route of a path. Paths of the suite have no parameters; `*` at the end matches every path that begins so. */
export function routeOf(routes: readonly AppRoute[], method: string, url: string): AppRoute | undefined {
  const [path = ''] = url.split('?', 1)
  const wanted = method === 'HEAD' ? 'GET' : method
  return routes.find(
    (route) =>
      (route.method === '*' || route.method === wanted) &&
      (route.path.endsWith('*') ? path.startsWith(route.path.slice(0, -1)) : route.path === path),
  )
}

/** The tags of a mutation, for adapters, whose functions of tags get a request of the framework. */
export type AppTags = HttpTags<never>
