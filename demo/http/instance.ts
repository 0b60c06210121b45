// One instance of the demo's API: Express, with the code that docs/guides/http.md shows.
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import app, { type Request } from 'express'
import { type Cache, createCache } from 'tiercache'
import { express, httpCache } from 'tiercache/http'
import type { TierDefinition } from 'tiercache/ports'
import type { Items } from './items.js'

export interface Instance {
  readonly cache: Cache
  readonly port: number
  close(): Promise<void>
}

export interface InstanceOptions {
  /** Stands in the `Cache-Status` of its responses. */
  readonly name: string
  readonly items: Items
  readonly l2: TierDefinition
  /** `'off'`: every request runs its handler. */
  readonly caching?: 'on' | 'off'
}

/** Starts an instance on a free port of this machine. */
export async function startInstance({ name, items, l2, caching = 'on' }: InstanceOptions): Promise<Instance> {
  const cache = createCache({ name: 'demo-http', l2 })
  // The page of the demo asks past the cache of its browser, and browsers then ask past every cache.
  const skip = () => caching === 'off'
  const http = express(httpCache<Request>(cache, { ttl: '1m', statusName: name, requestDirectives: 'ignore', skip }))
  const api = app()

  api.get('/items', http.route({ tags: 'items' }), async (_request, response) => {
    response.json(await items.all())
  })
  api.get('/items/:id', http.route({ tags: (request) => `item:${request.params.id}` }), async (request, response) => {
    const item = await items.find(Number(request.params.id))
    if (item === undefined) response.sendStatus(404)
    else response.json(item)
  })
  api.put('/items/:id/price/:cents', http.invalidates(changed), async (request, response) => {
    await items.setPrice(Number(request.params.id), Number(request.params.cents))
    response.sendStatus(204)
  })
  api.get('/me', http.route({}), (request, response) => {
    response.json({ you: request.headers.cookie ?? 'nobody' })
  })

  const server = api.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    cache,
    port: (server.address() as AddressInfo).port,
    async close() {
      server.closeAllConnections()
      server.close()
      await cache.close()
    },
  }
}

/** A price is part of the list and of its item. */
function changed(request: Request): readonly string[] {
  return ['items', `item:${request.params.id}`]
}
