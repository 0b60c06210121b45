import { promisify } from 'node:util'
import caching from '@fastify/caching'
import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { fastify } from '../dist.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

type Handler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>

/** @fastify/caching stores no responses by itself: handlers use its store, as its page shows. In memory. */
export async function startFastify(site: Site): Promise<number> {
  const app = Fastify()
  if (site.settings.caching === 'tiercache') await app.register(fastify(site.makeHttpCache()) as never)
  if (site.settings.caching === 'rival') await app.register(caching as never)
  const wrap = site.settings.caching === 'rival' ? throughStore(app) : (handler: Handler) => handler
  const constant: Handler = async (_request, reply) => reply.type(JSON_TYPE).send(CONSTANT)
  app.get('/constant', wrap(constant))
  app.get('/skipped', constant)
  app.get(
    '/slow',
    wrap(async (_request, reply) => reply.type(JSON_TYPE).send(await site.slow())),
  )
  app.get('/big', async (_request, reply) => {
    const { body, encoding } = await site.big()
    if (encoding !== undefined) reply.header('content-encoding', encoding)
    return reply.type(JSON_TYPE).send(body)
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  return (app.server.address() as { port: number }).port
}

interface Store {
  get(key: string, done: (error: unknown, found: { item: string } | null) => void): void
  set(key: string, value: string, ttlMs: number, done: (error: unknown) => void): void
}

function throughStore(app: FastifyInstance): (handler: Handler) => Handler {
  const { cache } = app as unknown as { cache: Store }
  const get = promisify(cache.get.bind(cache)) as (key: string) => Promise<{ item: string } | null>
  const set = promisify(cache.set.bind(cache)) as (key: string, value: string, ttlMs: number) => Promise<void>
  return (handler) => async (request, reply) => {
    const found = await get(request.url)
    if (found) return reply.type(JSON_TYPE).send(found.item)
    const send = reply.send.bind(reply)
    reply.send = ((payload: string) => {
      void set(request.url, payload, 3_600_000)
      return send(payload)
    }) as typeof reply.send
    return handler(request, reply)
  }
}
