// A process whose event loop is blocked: Redis replied long ago, and must not be taken for a server that hangs.
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { startRedis } from '../support/redis-server.js'
import { waitFor } from '../support/wait.js'

const TIMEOUT_MS = 500

test('a reply that arrived while the event loop was blocked counts, although its deadline has passed', async () => {
  await using server = await startRedis()
  const l2 = redisTier(server.url, { timeout: TIMEOUT_MS, breaker: { failures: 1 }, bus: false })
  await using cache = createCache({ name: 'shop', ttl: '1h', l1: false, l2 })
  await isInUse(cache)
  let degraded = 0
  cache.on('degraded', () => degraded++)
  // The command is sent, and its reply has not arrived when the event loop is blocked.
  server.pause()
  const read = cache.get('k')
  await new Promise(setImmediate)
  server.resume()
  holdUp(2 * TIMEOUT_MS)
  expect(await read).toBe('v')
  expect(cache.stats().l2.breaker).toBe('closed')
  expect(degraded).toBe(0)
})

test('a reply that did not arrive while the event loop was blocked is given up at its deadline', async () => {
  await using server = await startRedis()
  const l2 = redisTier(server.url, { timeout: TIMEOUT_MS, breaker: { failures: 1 }, bus: false })
  await using cache = createCache({ name: 'shop', ttl: '1h', l1: false, l2 })
  await isInUse(cache)
  server.pause()
  const read = cache.get('k')
  await new Promise(setImmediate)
  holdUp(2 * TIMEOUT_MS)
  expect(await read).toBeUndefined()
  expect(cache.stats().l2.breaker).not.toBe('closed')
  server.resume()
})

/** Waits until Redis has the value and no change is waiting for it. */
async function isInUse(cache: Cache): Promise<void> {
  await waitFor('Redis to be used', async () => {
    return cache.stats().l2.available && cache.stats().l2.waiting === 0 && (await cache.set('k', 'v')) === 'applied'
  })
}

function holdUp(forMs: number): void {
  const untilMs = performance.now() + forMs
  while (performance.now() < untilMs);
}
