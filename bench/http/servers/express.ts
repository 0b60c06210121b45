import { createServer } from 'node:http'
import apicache from 'apicache'
import app from 'express'
import { express } from '../dist.js'
import { listen } from './listen.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

/** The rival is apicache, in memory: its Redis is the client of node-redis 3 and before. */
export function startExpress(site: Site): Promise<number> {
  const server = app()
  if (site.settings.caching === 'tiercache') server.use(express(site.makeHttpCache()) as never)
  if (site.settings.caching === 'rival')
    server.use(apicache.options({ statusCodes: { include: [200] } }).middleware('1 hour'))
  server.get(['/constant', '/skipped'], (_request, response) => void response.type(JSON_TYPE).send(CONSTANT))
  server.get('/slow', async (_request, response) => void response.type(JSON_TYPE).send(await site.slow()))
  server.get('/big', async (_request, response) => {
    const { body, encoding } = await site.big()
    if (encoding !== undefined) response.set('content-encoding', encoding)
    response.type(JSON_TYPE).send(body)
  })
  return listen(createServer(server))
}
