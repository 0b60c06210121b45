// npm run demo: a small shop with a slow database, two service instances, each with its own memory, and one shared L2.
// Everything that it prints is measured. It exits with 0 only if every promise was kept. With REDIS_URL the L2 is that Redis.
// With --serve it then serves the devtools page of the first instance until Ctrl-C.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { TierDefinition } from 'tiercache/ports'
import { redisTier } from 'tiercache/redis'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { Database } from './database.js'
import { servePage } from './devtools.js'
import { scraped, serveMetrics } from './metrics.js'
import { inMs, Report, timed } from './report.js'
import { PATIENT, Shop } from './shop.js'

const redisUrl = process.env.REDIS_URL
const server = new MemoryServer()
const clients: Redis[] = []

function makeL2(): TierDefinition {
  if (redisUrl === undefined) return memoryTier(server)
  const client = new Redis(redisUrl)
  clients.push(client)
  return redisTier(client, PATIENT)
}

const db = new Database()
const a = new Shop(db, makeL2())
const b = new Shop(db, makeL2())
const metrics = await serveMetrics(a.cache)
const report = new Report()

// The embedded L2 has no socket, and the timers of a cache do not keep the process alive.
const aliveTimer = setInterval(() => undefined, 1_000)

console.log(`tiercache demo: two instances of a shop, L2 is ${redisUrl === undefined ? 'embedded' : 'Redis'}`)
console.log(`metrics of the first instance, while this runs: ${metrics.url}`)
await a.cache.clear()
await untilHeard()

report.heading('One product, read again and again (a database query takes 40 ms)')
const cold = await timed(() => a.product(1))
report.line('a cold read asks the database', `${inMs(cold.ms)}, ${db.queries} query`, db.queries === 1 && cold.ms >= 39)
const hit = await timed(() => a.product(1))
report.line('the next one comes from memory (L1)', inMs(hit.ms), db.queries === 1 && hit.ms < cold.ms)
await a.cache.drain()
const fromL2 = await timed(() => b.product(1))
report.line(
  'the second instance has it from L2',
  `${inMs(fromL2.ms)}, no query`,
  db.queries === 1 && b.cache.stats().hits.l2 === 1,
)

report.heading('1,000 concurrent callers of a cold key, on both instances')
db.queries = 0
const crowd = await timed(() => Promise.all(Array.from({ length: 1000 }, (_, i) => (i % 2 === 0 ? a : b).product(2))))
report.line('one of them asks the database', `${db.queries} query, all served in ${inMs(crowd.ms)}`, db.queries === 1)

report.heading('A price changes')
await b.setPrice(1, 999)
const priceAtWriter = (await b.product(1)).priceCents
report.line('the instance that wrote sees it at once', `${priceAtWriter} cents`, priceAtWriter === 999)
const priceAtOther = await until(
  async () => (await a.product(1)).priceCents,
  (cents) => cents === 999,
)
report.line('so does the other one, one bus message later', `${priceAtOther} cents`, priceAtOther === 999)

report.heading('A delete that races with a load')
const slow = a.cache.getOrSet('raced', async () => {
  await sleep(60)
  return 'the old value'
})
await sleep(30)
await b.cache.delete('raced')
const forItsCaller = await slow
await a.cache.drain()
const afterwards = [await a.cache.get('raced'), await b.cache.get('raced')]
report.line('the load serves its caller', `'${forItsCaller}'`, forItsCaller === 'the old value')
report.line(
  'and nobody else, on neither instance',
  afterwards.map(String).join(' and '),
  afterwards.every((value) => value === undefined),
)

report.heading('All coffee is invalidated by its tag')
await Promise.all([1, 3, 5, 2, 4].flatMap((id) => [a.product(id), b.product(id)]))
await a.cache.drain()
const tagged = await timed(() => b.cache.invalidateTags(['category:coffee']))
await until(
  async () => a.cache.peek('product:1'),
  (product) => product === undefined,
)
db.queries = 0
await Promise.all([1, 3, 5].map((id) => a.product(id)))
const coffees = db.queries
await Promise.all([2, 4].map((id) => a.product(id)))
report.line('one command, whatever the number of entries', inMs(tagged.ms), tagged.value === 'applied')
report.line('three coffees are loaded again, no tea is', `${db.queries} queries`, coffees === 3 && db.queries === 3)

report.heading('Time passes: fresh for 600 ms, stale for 400 ms more')
await a.product(7)
await sleep(620)
db.queries = 0
const stale = await timed(() => a.product(7))
report.line('a stale product is served at once', inMs(stale.ms), stale.ms < 35)
await a.cache.drain()
report.line('while one refresh runs in the background', `${db.queries} query`, db.queries === 1)

report.heading('The database goes down')
await sleep(1020)
db.isDown = true
const survived = await a.product(7)
report.line('the last good value is returned (staleIfError)', survived.name, survived.id === 7)
const failure = await a.product(19).catch((error: Error) => error.message)
report.line('what was never loaded fails with its own error', `'${failure}'`, failure === 'the database is down')
db.isDown = false

if (redisUrl !== undefined) await showTwoProcesses(redisUrl)

const l1Hits = await timed(async () => {
  for (let i = 0; i < 100_000; i++) await a.cache.getOrSet('hot', () => 'hot', { ttl: '1m' })
})
report.heading('And in between')
report.line('100,000 reads of a hot key', `${((l1Hits.ms / 100_000) * 1e6).toFixed(0)} ns each`, true)

report.heading('What Prometheus scrapes of the first instance')
const { reads, loads, loadFailures } = a.cache.stats()
const hits = await scraped(metrics.url, 'tiercache_reads_total', 'result="hit"', 'tier="l1"')
report.line('tiercache_reads_total, hits in memory', hits.toLocaleString('en'), hits === reads.hit.l1)
const stales = await scraped(metrics.url, 'tiercache_reads_total', 'result="stale')
report.line('tiercache_reads_total, stale answers', String(stales), stales > 0)
const loadsOfAll = await scraped(metrics.url, 'tiercache_loads_total')
report.line('tiercache_loads_total', String(loadsOfAll), loadsOfAll === loads + loadFailures)

if (process.argv.includes('--serve')) await servePage(a, b)
metrics.stop()
await a.cache.close()
await b.cache.close()
for (const client of clients) client.disconnect()
clearInterval(aliveTimer)
console.log(report.failures === 0 ? '\nEverything held.' : `\n${report.failures} promises did NOT hold.`)
process.exitCode = report.failures === 0 ? 0 : 1

/** Waits until both instances hear each other. Before that each read of L1 is checked against L2: safe, but not what the demo shows. */
async function untilHeard(): Promise<void> {
  for (let i = 0; i < 200 && !(a.cache.stats().bus.trusted && b.cache.stats().bus.trusted); i++) await sleep(10)
}

/** Reads until the message of the bus has arrived: a few milliseconds, or longer on a busy machine. */
async function until<T>(read: () => Promise<T>, isNew: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 1_000; i++) {
    const value = await read()
    if (isNew(value)) return value
    await sleep(2)
  }
  return read()
}

/** A second operating-system process on the same Redis. */
async function showTwoProcesses(url: string): Promise<void> {
  report.heading('A second operating-system process')
  const child = fork(new URL('./second-process.ts', import.meta.url), {
    env: { ...process.env, REDIS_URL: url },
    execArgv: ['--import', 'tsx'],
  })
  await once(child, 'message')
  await a.product(4)
  await a.cache.drain()
  const first = await ask(child, 4)
  report.line('has the product from L2', `${inMs(first.ms)}, ${first.queries} queries`, first.queries === 0)
  await a.cache.invalidateTags(['category:tea'])
  const second = await until(
    () => ask(child, 4),
    ({ queries }) => queries > 0,
  )
  report.line('and loads it again after a tag invalidation here', `${second.queries} query`, second.queries === 1)
  child.disconnect()
  await once(child, 'exit')
}

async function ask(child: ChildProcess, id: number): Promise<{ ms: number; queries: number }> {
  child.send(id)
  const [answer] = await once(child, 'message')
  return answer
}
