// The adapter for Fastify 5: a plugin. Its types are not imported: a request and a reply need only what is used of them here.
import type { HttpExplanation } from '../exchange/explain.js'
import type { HttpCache } from '../exchange/http-cache.js'
import { FastifyHooks } from './fastify/hooks.js'
import type { FastifyRequest } from './fastify/messages.js'
import { checkPluginOptions, type FastifyCacheOptions, policyFor } from './fastify/options.js'
import { requestOf } from './node/messages.js'

/** What is needed of a Fastify instance. */
export interface FastifyScope {
  addHook(name: never, hook: never): unknown
}

/** A plugin of Fastify. It counts for the scope that it is registered in, and for those within. */
export interface FastifyCache<Request> {
  (scope: FastifyScope, options: FastifyCacheOptions): Promise<void>
  /** Adds tags to the response that the handler of `request` is making. Without effect if it is not recorded. */
  tag(request: Request, tags: string | readonly string[]): void
  /** Explains what happens to a request. Changes nothing. */
  explain(request: Request): Promise<HttpExplanation>
}

/**
 * Connects an HTTP cache with Fastify 5: `app.register(fastify(http))`, `app.get(path, { config: { cache: { … } } }, handler)`. The cache is
 * asked in a `preHandler` hook, after the hooks that know the user, and records in `onSend`. `onClose` waits until what was recorded is stored.
 * Registering rejects with `INVALID_OPTION`, and so does a route whose `config.cache` is wrong.
 */
export function fastify<Request extends FastifyRequest>(http: HttpCache<Request>): FastifyCache<Request> {
  const plugin = async (scope: FastifyScope, options: FastifyCacheOptions) => {
    const hooks = new FastifyHooks(http, checkPluginOptions(options))
    const add = scope.addHook.bind(scope) as (name: string, hook: unknown) => void
    add('onRoute', hooks.onRoute)
    add('preHandler', hooks.preHandler)
    add('preHandler', hooks.enterScope)
    add('onSend', hooks.onSend)
    add('onResponse', hooks.onResponse)
    add('onClose', () => http.drain())
  }
  // What `fastify-plugin` sets: the hooks belong to the scope that registers the plugin, and the version is checked.
  return Object.assign(plugin, {
    tag: (request: Request, tags: string | readonly string[]) => http.tag(request, tags),
    explain: (request: Request) => http.explain(requestOf(request.raw, request), policyFor(http, request)),
    [Symbol.for('skip-override')]: true,
    [Symbol.for('fastify.display-name')]: 'tiercache',
    [Symbol.for('plugin-meta')]: { name: 'tiercache', fastify: '5.x' },
  })
}
