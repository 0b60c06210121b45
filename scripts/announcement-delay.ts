// How long after an announcement by another program two processes' memories have forgotten: `npx tsx scripts/announcement-delay.ts`.
// Its figure is in docs/wire-format.md.
import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { startRedis } from '../test/support/redis-server.js'
import { waitFor } from '../test/support/wait.js'

const ROUNDS = 500

const server = await startRedis()
const other = new Redis(server.port)
const caches = [0, 1].map(() => createCache({ name: 'shop', ttl: '1h', l2: redisTier(server.url) }))
const [writer] = caches
for (const cache of caches) await waitFor('the bus', () => cache.stats().bus.trusted)

const delaysMs: number[] = []
for (let i = 0; i < ROUNDS; i++) {
  await writer?.set('user:1', i, { tags: ['org:7'] })
  await waitFor('warm memories', async () => {
    for (const cache of caches) await cache.get('user:1')
    return caches.every((cache) => cache.peek('user:1') === i)
  })
  const words = JSON.stringify({ v: 1, s: 'script', l: ['t:org:7'] })
  const sentAtMs = performance.now()
  const sent = other.multi().unlink('{shop}#t:org:7').xadd('{shop}#bus', 'MAXLEN', '~', 10_000, '*', 'm', words).exec()
  while (caches.some((cache) => cache.peek('user:1') !== undefined)) await setImmediate()
  delaysMs.push(performance.now() - sentAtMs)
  await sent
}

delaysMs.sort((a, b) => a - b)
const at = (part: number): string => (delaysMs[Math.min(ROUNDS - 1, Math.floor(ROUNDS * part))] ?? 0).toFixed(2)
console.log(
  `from the command to both memories, ${ROUNDS} rounds: median ${at(0.5)} ms, p99 ${at(0.99)} ms, slowest ${at(1)} ms`,
)

for (const cache of caches) await cache.close()
other.disconnect()
await server.stop()
