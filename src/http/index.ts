// `tiercache/http`: HTTP responses cached as RFC 9111 says, and the adapters for frameworks.

export { runInScope } from './adapters/common/request-scope.js'
export { type ExpressCache, type ExpressMiddleware, express } from './adapters/express.js'
export type { FastifyRequest } from './adapters/fastify/messages.js'
export type { FastifyCacheOptions, FastifyRouteCache } from './adapters/fastify/options.js'
export {
  type FastifyCache,
  type FastifyScope,
  fastify,
} from './adapters/fastify.js'
export type { HonoContext } from './adapters/hono/context.js'
export { type HonoCache, type HonoMiddleware, hono } from './adapters/hono.js'
export type { KoaContext } from './adapters/koa/context.js'
export { type KoaCache, type KoaMiddleware, koa } from './adapters/koa.js'
export { holdUntilSettled } from './adapters/node/held-response.js'
export { type NodeRequest, requestOf } from './adapters/node/messages.js'
export { beginNode, type NodeExchange } from './adapters/node/run.js'
export { type NodeCache, type NodeListener, node } from './adapters/node.js'
export { serveWeb, type WebHandler, type WebOptions, webRequestOf } from './adapters/web.js'
export type { Exchange } from './exchange/exchange.js'
export type { HttpExplanation } from './exchange/explain.js'
export { HttpCache, httpCache } from './exchange/http-cache.js'
export { type InvalidatesOptions, Mutation } from './exchange/mutation.js'
export { type Begun, Recording } from './exchange/recording.js'
export type { Encoding } from './rules/encodings.js'
export type { Fields } from './rules/fields.js'
export type { NotStored } from './rules/storable.js'
export type { HttpRequest, HttpResponse, ResponseHead } from './storage/messages.js'
export type { HttpCacheOptions, HttpTags, RouteOptions, RoutePolicy, StatusHeader } from './storage/policy.js'
export type { StoringOutcome } from './storage/store.js'
