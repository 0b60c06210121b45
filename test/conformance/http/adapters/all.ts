// Every adapter, for the suites that all of them have to pass.
import type { AppAdapter } from '../app.js'
import { express4Adapter, express5Adapter } from './express.js'
import { fastifyAdapter } from './fastify.js'
import { honoAdapter } from './hono.js'
import { koaAdapter } from './koa.js'
import { nestExpressAdapter, nestFastifyAdapter } from './nest.js'
import { nodeAdapter } from './node.js'
import { webAdapter } from './web.js'

/** Cases that cannot hold in a framework, with the reason, by the name of the adapter. */
export const deviations: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  [webAdapter.name]: {
    'headers that a middleware has set before the handler count, such as no-store':
      'what surrounds a handler of the web sets headers on its response, after the cache has seen it',
  },
  [nestFastifyAdapter.name]: {
    'the first client leaves while others wait: its handler goes on, and they get its response':
      'NestJS destroys the stream of a StreamableFile when the connection of its client is closed',
    'a client that leaves while a response streams does not end the scope in which it is made for others':
      'NestJS destroys the stream of a StreamableFile when the connection of its client is closed',
    'a response that streams is made in the scope of its request':
      'Fastify reads the stream of a StreamableFile after the handler, in an async context of its own',
    'a body that does not have its Content-Length is never stored':
      'Fastify corrects the Content-Length of a text before it is sent, so the response is whole',
    'an unknown method counts as a mutation, OPTIONS does not':
      'NestJS has no decorator for it, and Fastify refuses a route for all methods beside one for GET',
  },
}

export const adapters: readonly AppAdapter[] = [
  nodeAdapter,
  express5Adapter,
  express4Adapter,
  webAdapter,
  fastifyAdapter,
  honoAdapter,
  koaAdapter,
  nestExpressAdapter,
  nestFastifyAdapter,
]
