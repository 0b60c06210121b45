import { createServer } from 'node:http'
import { node } from '../dist.js'
import { listen } from './listen.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

export async function startNode(site: Site): Promise<number> {
  const listener: Parameters<typeof createServer>[1] = async (request, response) => {
    response.setHeader('content-type', JSON_TYPE)
    if (request.url?.startsWith('/slow')) return void response.end(await site.slow())
    if (request.url !== '/big') return void response.end(CONSTANT)
    const { body, encoding } = await site.big()
    if (encoding !== undefined) response.setHeader('content-encoding', encoding)
    response.end(body)
  }
  return listen(
    createServer(site.settings.caching === 'none' ? listener : node(site.makeHttpCache() as never)(listener as never)),
  )
}
