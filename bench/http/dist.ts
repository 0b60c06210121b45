// The built package, by a path that holds where the programs of the bench are compiled to.

export { express, fastify, hono, httpCache, koa, node } from '../../dist/http.js'
export { type Cache, createCache } from '../../dist/index.js'
export { TiercacheModule } from '../../dist/nestjs.js'
export { redisTier } from '../../dist/redis.js'
