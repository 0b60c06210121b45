// The adapter for `node:http`: wraps request listeners.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpExplanation } from '../exchange/explain.js'
import type { HttpCache } from '../exchange/http-cache.js'
import type { InvalidatesOptions } from '../exchange/mutation.js'
import type { HttpTags, RouteOptions, RoutePolicy } from '../storage/policy.js'
import { runInScope } from './common/request-scope.js'
import { holdUntilSettled } from './node/held-response.js'
import { requestOf } from './node/messages.js'
import { beginNode } from './node/run.js'

/** A listener of `http.createServer`. */
export type NodeListener = (request: IncomingMessage, response: ServerResponse) => unknown

/** Wraps listeners of `node:http`. */
export interface NodeCache {
  /** Caches what `listener` responds. A rejection of it is the caller's to handle, as it is without the cache. */
  (listener: NodeListener): NodeListener
  /** The same with options of its own. */
  route(options: RouteOptions<IncomingMessage>, listener: NodeListener): NodeListener
  /** Invalidates tags, and the URI, when `listener` has responded without an error, before its response leaves. */
  invalidates(tags: HttpTags<IncomingMessage>, listener: NodeListener, options?: InvalidatesOptions): NodeListener
  /** Adds tags to the response that the listener of `request` is making. Without effect if it is not recorded. */
  tag(request: IncomingMessage, tags: string | readonly string[]): void
  /** Explains what happens to a request. Changes nothing. */
  explain(request: IncomingMessage): Promise<HttpExplanation>
}

/** Connects an HTTP cache with `node:http`: `http.createServer(node(cache)(listener))`. */
export function node(http: HttpCache<IncomingMessage>): NodeCache {
  const wrap = (listener: NodeListener, policy?: RoutePolicy<IncomingMessage>): NodeListener => {
    return async (request, response) => {
      const exchange = await beginNode(http, policy, request, response, request)
      if (!exchange.runs) return
      try {
        await runInScope(http, response, () => listener(request, response))
      } catch (error) {
        if (!exchange.fail()) throw error
      }
    }
  }
  return Object.assign((listener: NodeListener) => wrap(listener), {
    tag: (request: IncomingMessage, tags: string | readonly string[]) => http.tag(request, tags),
    explain: (request: IncomingMessage) => http.explain(requestOf(request)),
    route: (options: RouteOptions<IncomingMessage>, listener: NodeListener) => wrap(listener, http.route(options)),
    invalidates:
      (tags: HttpTags<IncomingMessage>, listener: NodeListener, options?: InvalidatesOptions): NodeListener =>
      (request, response) => {
        const { mutation, isNew } = http.mutation(requestOf(request))
        mutation.add(tags, options)
        if (isNew) holdUntilSettled(response, (head) => mutation.settle(head))
        return runInScope(http, response, () => listener(request, response))
      },
  })
}
