// The adapter for Hono. Its types are not imported: a context needs only what is used of it here.
import type { HttpExplanation } from '../exchange/explain.js'
import type { HttpCache } from '../exchange/http-cache.js'
import type { InvalidatesOptions } from '../exchange/mutation.js'
import type { HttpTags, RouteOptions, RoutePolicy } from '../storage/policy.js'
import { takeBackground } from './common/background.js'
import { respondInScope } from './common/request-scope.js'
import { type Deliver, runInBackground } from './hono/background-run.js'
import type { HonoContext } from './hono/context.js'
import { headOf, serveWeb, webRequestOf } from './web.js'

/** A middleware of Hono. The functions among the options get its context, with what earlier middleware has set. */
export type HonoMiddleware<C> = (context: C, next: () => Promise<void>) => Promise<void>

/** A middleware for a whole application or group, and the ones for single routes. */
export interface HonoCache<C> extends HonoMiddleware<C> {
  /** A middleware for one route, with options of its own. */
  route(options: RouteOptions<C>): HonoMiddleware<C>
  /** A middleware that invalidates tags, and the URI, when the handler has responded without an error, before its response leaves. */
  invalidates(tags: HttpTags<C>, options?: InvalidatesOptions): HonoMiddleware<C>
  /** Adds tags to the response that the handler of `context` is making. Without effect if it is not recorded. */
  tag(context: C, tags: string | readonly string[]): void
  /** Explains what happens to the request of `context`. Changes nothing. */
  explain(context: C): Promise<HttpExplanation>
}

/**
 * Connects an HTTP cache with Hono 4: `app.use(hono(http))`, `app.get(path, hono(http).route({ … }), handler)`. It runs wherever
 * `Request` and `Response` do: on `@hono/node-server`, and in tests with `app.request`.
 */
export function hono<C extends HonoContext>(http: HttpCache<C>): HonoCache<C> {
  const middleware =
    (policy?: RoutePolicy<C>): HonoMiddleware<C> =>
    (context, next) => {
      const deliver = takeBackground<C, Deliver>(http, context.req.raw, context)
      return deliver === undefined ? serve(http, policy, context, next) : respondTo(deliver, context, next)
    }
  return Object.assign(middleware(), {
    tag: (context: C, tags: string | readonly string[]) => http.tag(context, tags),
    explain: (context: C) => http.explain(webRequestOf(context.req.raw, context)),
    route: (options: RouteOptions<C>) => middleware(http.route(options)),
    invalidates:
      (tags: HttpTags<C>, options?: InvalidatesOptions): HonoMiddleware<C> =>
      async (context, next) => {
        const { mutation, isNew } = http.mutation(webRequestOf(context.req.raw, context))
        mutation.add(tags, options)
        const response = await respondInScope(http, context.req.raw, async () => {
          await next()
          return context.res
        })
        if (response !== context.res) replaceResponse(context, response)
        if (isNew) await mutation.settle(headOf(context.res))
      },
  })
}

async function serve<C extends HonoContext>(
  http: HttpCache<C>,
  policy: RoutePolicy<C> | undefined,
  context: C,
  next: () => Promise<void>,
): Promise<void> {
  const request = context.req.raw
  let outer = headersBefore(context)
  const handler = async (asked: Request, audience: 'client' | 'nobody') => {
    if (audience === 'client') return withRequest(context, asked, next)
    const inner = await runInBackground(http, context, asked)
    outer = inner.outer
    return inner.response
  }
  const options = { policy, raw: context, outer: () => outer, waitUntil: waitUntilOf(context) }
  replaceResponse(context, await serveWeb(http, request, handler, options))
}

/** Hono puts the headers of the last response over those of the next one, unless there is none. */
function replaceResponse(context: HonoContext, response: Response): void {
  context.res = undefined as unknown as Response
  context.res = response
}

/** The run in the background comes to the cache, whose response is not for the middleware around it. */
async function respondTo<C extends HonoContext>(
  deliver: Deliver,
  context: C,
  next: () => Promise<void>,
): Promise<void> {
  const outer = headersBefore(context)
  await next()
  deliver({ response: context.res, outer })
  replaceResponse(context, new Response())
}

/** The headers that middleware around the cache has set so far. To read them makes a response, which must not stay. */
function headersBefore(context: HonoContext): Headers {
  const outer = new Headers(context.res.headers)
  context.res = undefined as unknown as Response
  context.finalized = false
  return outer
}

/** Runs the handler with the conditions of the cache. Middleware around it sees those of the client again. */
async function withRequest(context: HonoContext, asked: Request, next: () => Promise<void>): Promise<Response> {
  const { req } = context
  const { raw } = req
  req.raw = asked
  try {
    await next()
    return context.res
  } finally {
    req.raw = raw
  }
}

/** Of platforms that end a process once it has responded. Others have no such context, and Hono throws. */
function waitUntilOf(context: HonoContext): ((work: Promise<unknown>) => void) | undefined {
  try {
    const { executionCtx } = context
    return (work) => executionCtx.waitUntil(work)
  } catch {
    return undefined
  }
}
