// The adapter for Express 4 and 5. Their types are not imported: whatever extends the messages of Node fits.
import type { ServerResponse } from 'node:http'
import type { HttpExplanation } from '../exchange/explain.js'
import type { HttpCache } from '../exchange/http-cache.js'
import type { InvalidatesOptions } from '../exchange/mutation.js'
import type { HttpTags, RouteOptions, RoutePolicy } from '../storage/policy.js'
import { runInScope } from './common/request-scope.js'
import { holdUntilSettled } from './node/held-response.js'
import { type NodeRequest, requestOf } from './node/messages.js'
import { beginNode } from './node/run.js'

/** A middleware of Express. Its request is that of the application, with what earlier middleware has added. */
export type ExpressMiddleware<Req> = (request: Req, response: ServerResponse, next: (error?: unknown) => void) => void

/** A middleware for a whole application or router, and the ones for single routes. */
export interface ExpressCache<Req> extends ExpressMiddleware<Req> {
  /** A middleware for one route, with options of its own. */
  route(options: RouteOptions<Req>): ExpressMiddleware<Req>
  /** A middleware that invalidates tags, and the URI, when the handler has responded without an error, before its response leaves. */
  invalidates(tags: HttpTags<Req>, options?: InvalidatesOptions): ExpressMiddleware<Req>
  /** Adds tags to the response that the handler of `request` is making. Without effect if it is not recorded. */
  tag(request: Req, tags: string | readonly string[]): void
  /** Explains what happens to a request. Changes nothing. */
  explain(request: Req): Promise<HttpExplanation>
}

/** Connects an HTTP cache with Express: `app.use(express(http))`, `app.get(path, express(http).route({ … }), handler)`. */
export function express<Req extends NodeRequest>(http: HttpCache<Req>): ExpressCache<Req> {
  const middleware =
    (policy?: RoutePolicy<Req>): ExpressMiddleware<Req> =>
    (request, response, next) => {
      const run = () => runInScope(http, response, () => next())
      try {
        const exchange = beginNode(http, policy, request, response, request)
        if (!(exchange instanceof Promise)) return exchange.runs ? run() : undefined
        exchange.then(({ runs }) => (runs ? run() : undefined), next)
      } catch (error) {
        next(error)
      }
    }
  return Object.assign(middleware(), {
    tag: (request: Req, tags: string | readonly string[]) => http.tag(request, tags),
    explain: (request: Req) => http.explain(requestOf(request)),
    route: (options: RouteOptions<Req>) => middleware(http.route(options)),
    invalidates: (tags: HttpTags<Req>, options?: InvalidatesOptions): ExpressMiddleware<Req> => {
      return (request, response, next) => {
        const { mutation, isNew } = http.mutation(requestOf(request, request))
        mutation.add(tags, options)
        if (isNew) holdUntilSettled(response, (head) => mutation.settle(head))
        runInScope(http, response, () => next())
      }
    },
  })
}
