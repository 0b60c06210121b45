// Runs a handler of Hono in the background. The client's context is on its way out, so the run has one of its own.
import type { HttpCache } from '../../exchange/http-cache.js'
import { markBackground } from '../common/background.js'
import type { HonoContext } from './context.js'

type Next = () => Promise<void>
type Handler = (context: BackgroundContext, next: Next) => unknown

/** What Hono gives its handlers, and makes itself for each request. */
interface BackgroundContext extends HonoContext {
  readonly req: HonoContext['req'] & {
    readonly path: string
    routeIndex: number
    readonly matchedRoutes: readonly { readonly handler: Handler }[]
  }
  readonly env: unknown
}

type ContextClass = new (
  request: Request,
  options: { env: unknown; path: string; executionCtx: unknown; matchResult: unknown; notFoundHandler: () => Response },
) => BackgroundContext

/** A response as it is where the cache stands, and the headers that were there before. */
export interface InnerResponse {
  readonly response: Response
  readonly outer: Headers
}

/** What the middleware of the cache does with what a run in the background responds. */
export type Deliver = (inner: InnerResponse) => void

/**
 * Passes `request` through the middleware and the handler that `given` was passed through, from the first one on, so that each finds what those
 * before it have set. Rejects with what they throw: `onError` is for responses that somebody gets.
 */
export async function runInBackground<C extends HonoContext>(
  http: HttpCache<C>,
  given: C,
  request: Request,
): Promise<InnerResponse> {
  const context = contextLike(given as unknown as BackgroundContext, request)
  let inner: InnerResponse | undefined
  const deliver: Deliver = (delivered) => {
    inner = delivered
  }
  markBackground(http, request, { of: given, data: deliver })
  const handlers = context.req.matchedRoutes.map(({ handler }) => handler)
  await dispatch(context, handlers)
  if (inner === undefined) throw new Error('the middleware before the cache has responded')
  return inner
}

function contextLike(given: BackgroundContext, request: Request): BackgroundContext {
  const { req, env } = given
  return new (given.constructor as ContextClass)(request, {
    env,
    path: req.path,
    executionCtx: executionOf(given),
    matchResult: matchOf(req),
    notFoundHandler: () => new Response('404 Not Found', { status: 404 }),
  })
}

/** As Hono's own `compose` does. */
async function dispatch(context: BackgroundContext, handlers: readonly Handler[], index = 0): Promise<void> {
  const handler = handlers[index]
  if (handler === undefined) throw new Error('no handler has responded')
  context.req.routeIndex = index
  const response = await handler(context, () => dispatch(context, handlers, index + 1))
  if (response instanceof Response && !context.finalized) context.res = response
}

/** The parameters of the routes. Hono keeps them under a symbol that it does not export. */
function matchOf(req: object): unknown {
  const [symbol] = Object.getOwnPropertySymbols(Object.getPrototypeOf(req))
  return symbol === undefined ? undefined : (req as Record<symbol, unknown>)[symbol]
}

function executionOf(context: HonoContext): unknown {
  try {
    return context.executionCtx
  } catch {
    return undefined
  }
}
