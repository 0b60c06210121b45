// npm run demo:http: an API with a slow database, two instances, and what stands before them. Everything that it prints is measured.
// It exits with 0 only if every promise was kept. With DATABASE_URL the items are in that PostgreSQL; with REDIS_URL the L2 is that Redis.
// In a terminal, or with --serve, it then serves a page that shows the Cache-Status of each response, until Ctrl-C.
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import type { TierDefinition } from 'tiercache/ports'
import { redisTier } from 'tiercache/redis'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { inMs, Report, timed } from '../report.js'
import { PATIENT } from '../shop.js'
import { INSTANCE_HEADER, startFront } from './front.js'
import { startInstance } from './instance.js'
import { openItems } from './items.js'

const PORT = 4_984
const CALLERS = 200

const { DATABASE_URL: databaseUrl, REDIS_URL: redisUrl } = process.env
const serves = process.stdout.isTTY === true || process.argv.includes('--serve')
const server = new MemoryServer()
const clients: Redis[] = []
const items = await openItems(databaseUrl)
const instances = [
  await startInstance({ name: 'instance-1', items, l2: makeL2() }),
  await startInstance({ name: 'instance-2', items, l2: makeL2() }),
]
const front = await startFront(
  instances.map(({ port }) => port),
  serves ? Number(process.env.PORT ?? PORT) : 0,
)
const report = new Report()

console.log(`tiercache demo of cached responses: two instances, L2 is ${redisUrl === undefined ? 'embedded' : 'Redis'}`)
console.log(`the items are in ${items.where}; a query takes 40 ms`)
for (const { cache } of instances) await cache.clear()
// Before the instances hear each other, each read of L1 is checked against L2: safe, but not what the demo shows.
await until(async () => instances.every(({ cache }) => cache.stats().bus.trusted), Boolean)

report.heading('One list of items, read again and again')
const cold = await timed(() => get('/items', 1))
report.line('a cold request runs the handler', `${inMs(cold.ms)}  ${cold.value.status}`, items.queries === 1)
await stored()
const hit = await timed(() => get('/items', 1))
report.line(
  'the next one comes from memory',
  `${inMs(hit.ms)}  ${hit.value.status}`,
  isHit(hit.value) && hit.ms < cold.ms,
)
const fromL2 = await timed(() => get('/items', 2))
report.line('the other instance has it from L2', `${inMs(fromL2.ms)}  ${fromL2.value.status}`, isHit(fromL2.value))
const same = fromL2.value.body === cold.value.body && items.queries === 1
report.line('the same body, and one query in all', `${items.queries} query`, same)
const revalidated = await get('/items', 1, { 'if-none-match': hit.value.etag })
report.line('a client that has it gets no body', `${revalidated.code}  ${revalidated.status}`, revalidated.code === 304)

report.heading(`${CALLERS} requests at once for a cold item, through both instances`)
items.queries = 0
const crowd = await timed(() => Promise.all(Array.from({ length: CALLERS }, (_, i) => get('/items/2', 1 + (i % 2)))))
const collapsed = crowd.value.filter(({ status }) => status.includes('collapsed')).length
const oneQuery = items.queries === 1 && crowd.value.every(({ code }) => code === 200)
report.line('one of them runs the handler', `${items.queries} query, all served in ${inMs(crowd.ms)}`, oneQuery)
const hits = crowd.value.filter(isHit).length
report.line('the others wait for it or hit', `${collapsed} waited, ${hits} hit`, collapsed + hits === CALLERS - 1)

report.heading('A price changes')
await get('/items/1', 1)
const put = await send('PUT', '/items/1/price/999', 2)
const atWriter = priceIn(await get('/items/1', 2))
report.line('the next read is its own write', `${atWriter} cents`, put.code === 204 && atWriter === 999)
const atOther = await until(
  async () => priceIn(await get('/items/1', 1)),
  (cents) => cents === 999,
)
report.line('the other instance follows, one bus message later', `${atOther} cents`, atOther === 999)
const list = await get('/items', 2)
report.line('so does the list, by its tag', list.status, list.body.includes('"priceCents":999'))

report.heading('Two users')
const ann = await get('/me', 1, { cookie: 'user=ann' })
await stored()
const bob = await get('/me', 1, { cookie: 'user=bob' })
report.line('a response to a cookie is not stored', ann.status, ann.status.includes('detail=credentials'))
report.line('so nobody gets it but its user', bob.body, bob.body.includes('bob') && !isHit(bob))

if (serves) await showPage()
front.close()
for (const instance of instances) await instance.close()
for (const client of clients) client.disconnect()
await items.close()
console.log(report.failures === 0 ? '\nEverything held.' : `\n${report.failures} promises did NOT hold.`)
process.exitCode = report.failures === 0 ? 0 : 1

interface Answer {
  readonly code: number
  readonly body: string
  /** `Cache-Status`. */
  readonly status: string
  readonly etag: string
}

function get(path: string, instance: number, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return send('GET', path, instance, headers)
}

async function send(
  method: string,
  path: string,
  instance: number,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer> {
  const sent = { ...headers, [INSTANCE_HEADER]: String(instance) }
  const response = await fetch(`${front.url}${path}`, { method, headers: sent })
  const body = await response.text()
  const header = (name: string) => response.headers.get(name) ?? ''
  return { code: response.status, body, status: header('cache-status'), etag: header('etag') }
}

function isHit({ status }: Answer): boolean {
  return status.includes(';hit')
}

function priceIn({ body }: Answer): number {
  return (JSON.parse(body) as { priceCents: number }).priceCents
}

/** Resolves when what was recorded is in L2: a response is stored when its client has all of it. */
async function stored(): Promise<void> {
  await sleep(20)
  for (const { cache } of instances) await cache.drain()
}

/** Reads until the message of the bus has arrived: a few milliseconds, or longer on a busy machine. */
async function until<T>(read: () => Promise<T>, isDone: (value: T) => boolean): Promise<T> {
  for (let i = 0; i < 1_000; i++) {
    const value = await read()
    if (isDone(value)) return value
    await sleep(2)
  }
  return read()
}

function makeL2(): TierDefinition {
  if (redisUrl === undefined) return memoryTier(server)
  const client = new Redis(redisUrl)
  clients.push(client)
  return redisTier(client, PATIENT)
}

async function showPage(): Promise<void> {
  console.log(`\nThe page: ${front.url}/ (Ctrl-C ends it)`)
  await once(process, 'SIGINT')
}
