// The devtools page of one instance of the demo, with some traffic to look at.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { devtools } from 'tiercache/devtools'
import type { Shop } from './shop.js'

const PRODUCTS = 20

/** Serves the page of `shop` until Ctrl-C, while customers read there and prices change at `other`. */
export async function servePage(shop: Shop, other: Shop): Promise<void> {
  const server = createServer(devtools(shop.cache, { allowChanges: true, showValues: true }))
  server.listen(Number(process.env.PORT ?? 4_983), '127.0.0.1')
  await once(server, 'listening')
  console.log(`\nThe devtools page: http://127.0.0.1:${(server.address() as AddressInfo).port}/ (Ctrl-C ends it)`)
  const timers = [
    setInterval(() => void read(shop), 5),
    setInterval(() => void other.setPrice(anyProduct(), 100 + anyProduct()), 3_000),
    setInterval(() => void other.cache.invalidateTags(['category:tea']), 7_000),
  ]
  await once(process, 'SIGINT')
  for (const timer of timers) clearInterval(timer)
  server.closeAllConnections()
  server.close()
}

async function read(shop: Shop): Promise<void> {
  await shop.product(anyProduct())
}

/** The first products are the most popular ones. */
function anyProduct(): number {
  return 1 + Math.floor(Math.random() ** 2 * PRODUCTS)
}
