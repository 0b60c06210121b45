// `devtools(cache)`: the page of a cache as a handler, for any server.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cache } from '../cache/cache.js'
import { checkMethods } from '../model/option-rules.js'
import { replyToFetch } from './http/fetch-handler.js'
import { replyInNode } from './http/node-handler.js'
import { Site, type SiteRules } from './http/site.js'
import { checkDevtoolsOptions, type DevtoolsOptions } from './options.js'
import { cacheView } from './view/cache-view.js'
import type { DevtoolsView } from './view/view.js'

/** Serves the page of one cache. It is a listener for `request` of node:http, and a middleware for Express and its like. */
export interface DevtoolsHandler {
  (request: IncomingMessage, response: ServerResponse): void
  /** The same for servers that speak the Fetch API. They do not say who asks, so it needs the option `token`. */
  fetch(request: Request): Promise<Response>
  /** Ends the pages that are open, so that `server.close()` need not wait for them. It happens by itself when the cache is closed. */
  close(): void
}

/**
 * Returns the handler of a page that shows what `cache` has and does, live: hit ratio and latencies by namespace, the hottest keys, ages,
 * tags, loads under way, what waits for Redis, and the life of one key. Mount it under any path.
 *
 * Without options it serves clients on this machine only, and changes nothing. While no page is open, nothing runs; while one is, each hit
 * makes an event. Throws `INVALID_OPTION` for a wrong argument.
 */
export function devtools(cache: Cache, options?: DevtoolsOptions): DevtoolsHandler {
  checkMethods(cache, 'the first argument', ['inspect', 'stats', 'explain', 'on'], 'a cache')
  const rules = checkDevtoolsOptions(options)
  return handlerOf(cacheView(cache, rules.showValues), rules)
}

/** The same page for a view of your own: the command line shows with it what stands in Redis. Values are shown as the view reports them. */
export function devtoolsOf(view: DevtoolsView, options?: DevtoolsOptions): DevtoolsHandler {
  checkMethods(view, 'the first argument', ['watch', 'snapshot', 'report', 'change'], 'a view of a cache')
  return handlerOf(view, checkDevtoolsOptions(options))
}

function handlerOf(view: DevtoolsView, rules: SiteRules): DevtoolsHandler {
  const site = new Site(view, rules)
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    // The client is gone, or the server broke the response off: nobody is left to tell.
    replyInNode(site, request, response).catch(() => response.destroy())
  }
  return Object.assign(handler, {
    fetch: (request: Request) => replyToFetch(site, request),
    close: () => site.close(),
  })
}
