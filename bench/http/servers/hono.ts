import { createServer } from 'node:http'
import { Hono } from 'hono'
import { cache } from 'hono/cache'
import { caches, fetch, Headers, Request, Response } from 'undici'
import { hono } from '../dist.js'
import { listen } from './listen.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

/** The rival is the middleware of Hono. It needs the Cache API, which Node lacks: that of undici, in memory, which takes its own responses only. */
export async function startHono(site: Site): Promise<number> {
  const { caching } = site.settings
  if (caching === 'rival') Object.assign(globalThis, { caches, fetch, Headers, Request, Response })
  // It looks at the globals when it is imported.
  const { getRequestListener } = await import('@hono/node-server')
  const app = new Hono()
  if (caching === 'tiercache') app.use(hono(site.makeHttpCache()) as never)
  if (caching === 'rival') {
    const middleware = cache({ cacheName: 'bench', cacheControl: 'max-age=3600', wait: true })
    app.use('/constant', middleware).use('/slow', middleware).use('/big', middleware)
  }
  app.get('/constant', (context) => context.body(CONSTANT, 200, { 'content-type': JSON_TYPE }))
  app.get('/skipped', (context) => context.body(CONSTANT, 200, { 'content-type': JSON_TYPE }))
  app.get('/slow', async (context) => context.body(await site.slow(), 200, { 'content-type': JSON_TYPE }))
  app.get('/big', async (context) => {
    const { body, encoding } = await site.big()
    const headers = { 'content-type': JSON_TYPE, ...(encoding !== undefined && { 'content-encoding': encoding }) }
    return context.body(body as never, 200, headers)
  })
  return listen(createServer(getRequestListener(app.fetch, { overrideGlobalObjects: caching !== 'rival' })))
}
