// The adapter for Koa. Its types are not imported: a context needs only what is used of it here.
import type { HttpExplanation } from '../exchange/explain.js'
import type { HttpCache } from '../exchange/http-cache.js'
import type { InvalidatesOptions } from '../exchange/mutation.js'
import type { Recording } from '../exchange/recording.js'
import type { Fields } from '../rules/fields.js'
import type { HttpTags, RouteOptions, RoutePolicy } from '../storage/policy.js'
import { takeBackground } from './common/background.js'
import { recordBody, recordForNobody } from './common/recorded-body.js'
import { readInScope, whenOver, whenRead } from './common/request-scope.js'
import { runInBackground } from './koa/background-run.js'
import type { KoaContext } from './koa/context.js'
import { ownBodyOf, replyOf, respondWith, withSafeStreams } from './koa/replies.js'
import { holdUntilSettled } from './node/held-response.js'
import { headersOf, replaceHeaders, requestOf, setHeaders } from './node/messages.js'

/** A middleware of Koa. The functions among the options get its context, with what earlier middleware has added. */
export type KoaMiddleware<Context> = (context: Context, next: () => Promise<unknown>) => Promise<void>

/** A middleware for a whole application or router, and the ones for single routes. */
export interface KoaCache<Context> extends KoaMiddleware<Context> {
  /** A middleware for one route, with options of its own. */
  route(options: RouteOptions<Context>): KoaMiddleware<Context>
  /** A middleware that invalidates tags, and the URI, when the handler has responded without an error, before its response leaves. */
  invalidates(tags: HttpTags<Context>, options?: InvalidatesOptions): KoaMiddleware<Context>
  /** Adds tags to the response that the handler of `context` is making. Without effect if it is not recorded. */
  tag(context: Context, tags: string | readonly string[]): void
  /** Explains what happens to the request of `context`. Changes nothing. */
  explain(context: Context): Promise<HttpExplanation>
}

/** Connects an HTTP cache with Koa: `app.use(koa(http))`, `router.get(path, koa(http).route({ … }), handler)`. */
export function koa<Context extends KoaContext>(http: HttpCache<Context>): KoaCache<Context> {
  const middleware =
    (policy?: RoutePolicy<Context>): KoaMiddleware<Context> =>
    async (context, next) => {
      const recording = takeBackground<Context, Recording>(http, context.req, context)
      if (recording === undefined) await serve(http, policy, context, next)
      else await recordInBackground(recording, context, () => runInScope(http, context, undefined, next))
    }
  return Object.assign(middleware(), {
    tag: (context: Context, tags: string | readonly string[]) => http.tag(context, tags),
    explain: (context: Context) => http.explain(messageOf(context)),
    route: (options: RouteOptions<Context>) => middleware(http.route(options)),
    invalidates:
      (tags: HttpTags<Context>, options?: InvalidatesOptions): KoaMiddleware<Context> =>
      async (context, next) => {
        const { mutation, isNew } = http.mutation(messageOf(context))
        mutation.add(tags, options)
        if (isNew) holdUntilSettled(context.res, (head) => mutation.settle(head))
        await runInScope(http, context, NOT_RECORDED, next)
      },
  })
}

const NOT_RECORDED = { isRecording: false }

/**
 * Runs the handler in a request scope. It ends when the handler is done and the response is over; where a handler whose client has left goes on
 * for the recording, or the response has no client (`undefined`), when the body is read.
 */
async function runInScope<Context extends KoaContext>(
  http: HttpCache<Context>,
  context: Context,
  recording: Pick<Recording, 'isRecording'> | undefined,
  next: () => Promise<unknown>,
): Promise<void> {
  const scope = http.openScope()
  if (scope === undefined) return void (await next())
  let body: unknown
  try {
    await scope.run(next)
    body = ownBodyOf(context)
    readInScope(scope, body)
  } finally {
    const end = () => scope.end()
    if (recording === undefined) whenRead(body, end)
    else whenOver(context.res, () => (recording.isRecording ? whenRead(body, end) : end()))
  }
}

function messageOf(context: KoaContext) {
  return { ...requestOf(context.req, context), target: context.originalUrl }
}

async function serve<Context extends KoaContext>(
  http: HttpCache<Context>,
  policy: RoutePolicy<Context> | undefined,
  context: Context,
  next: () => Promise<unknown>,
): Promise<void> {
  const exchange = await http.begin(messageOf(context), policy)
  switch (exchange.kind) {
    case 'pass':
      setHeaders(context.res, exchange.headers)
      return runInScope(http, context, NOT_RECORDED, next)
    case 'serve':
      return respondWith(context, exchange.response, headersOf(context.res))
    case 'mutate': {
      const { mutation, headers } = exchange
      setHeaders(context.res, headers)
      // Koa writes the response when all middleware is done, and `ctx.respond = false` lets the handler write it earlier.
      holdUntilSettled(context.res, (head) => mutation.settle(head))
      return runInScope(http, context, NOT_RECORDED, next)
    }
    case 'record': {
      const { recording, conditions, first } = exchange
      if (first === undefined)
        return record(recording, conditions, context, () => runInScope(http, context, recording, next))
      runInBackground(http, context, conditions, recording)
      return respondWith(context, first, headersOf(context.res))
    }
  }
}

async function record(
  recording: Recording,
  conditions: Fields,
  context: KoaContext,
  next: () => Promise<unknown>,
): Promise<void> {
  replaceHeaders(context.req, conditions)
  const outer = headersOf(context.res)
  try {
    await withSafeStreams(context, next)
  } catch (error) {
    const instead = recording.broken()
    if (instead === undefined) throw error
    return respondWith(context, instead, outer)
  }
  const reply = replyOf(context, outer)
  if (reply === undefined) recording.refuse('route')
  else respondWith(context, recordBody(recording, reply.head, reply.body), outer)
}

async function recordInBackground(
  recording: Recording,
  context: KoaContext,
  next: () => Promise<unknown>,
): Promise<void> {
  const outer = headersOf(context.res)
  await withSafeStreams(context, next)
  const reply = replyOf(context, outer)
  if (reply !== undefined) await recordForNobody(recording, reply.head, reply.body)
  respondWith(context, { status: 204, headers: {}, body: undefined }, outer)
}
