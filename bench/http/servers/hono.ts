import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { Hono } from 'hono'
import { cache } from 'hono/cache'
import { caches } from 'undici'
import { hono } from '../dist.js'
import { listen } from './listen.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

/** The rival is the middleware of Hono. It needs the Cache API, which Node lacks: that of undici, which is in memory. */
export function startHono(site: Site): Promise<number> {
  const app = new Hono()
  if (site.settings.caching === 'tiercache') app.use(hono(site.makeHttpCache()) as never)
  if (site.settings.caching === 'rival') {
    Object.assign(globalThis, { caches })
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
  return listen(createServer(getRequestListener(app.fetch)))
}
