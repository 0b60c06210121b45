import { createServer } from 'node:http'
import Koa from 'koa'
import { koa } from '../dist.js'
import { listen } from './listen.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

export function startKoa(site: Site): Promise<number> {
  const app = new Koa()
  if (site.settings.caching === 'tiercache') app.use(koa(site.makeHttpCache()) as never)
  app.use(async (context) => {
    context.type = JSON_TYPE
    if (context.path === '/slow') context.body = await site.slow()
    else if (context.path !== '/big') context.body = CONSTANT
    else {
      const { body, encoding } = await site.big()
      if (encoding !== undefined) context.set('content-encoding', encoding)
      context.body = body
      context.type = JSON_TYPE
    }
  })
  return listen(createServer(app.callback()))
}
