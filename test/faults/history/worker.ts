// One process of a history: it reads, loads, writes and invalidates at random until it is stopped, and reports everything it did.
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { mutated, type PortMutation } from '../../properties/model/mutations.js'
import { onMessage, send } from '../../support/channel.js'
import { sleep } from '../../support/wait.js'
import {
  CACHE_NAME,
  callOf,
  type HistoryRecord,
  machineNowMs,
  type Order,
  type ReadRecord,
  type Report,
  TAGS,
  type Value,
  type WorkerOptions,
  type WriteRecord,
} from './records.js'

const options = JSON.parse(process.argv[2] as string) as WorkerOptions
/** The share of reads among the operations. */
const READS = 0.87
const KEYS = Array.from({ length: options.keys }, (_, i) => `k${i}`)
const database = new Redis(options.databasePort, '127.0.0.1')
const cache = open()
let records: HistoryRecord[] = []
let isStopping = false
let births = 0
let writes = 0

function open(): Cache {
  const server = { host: '127.0.0.1', port: options.dataPort, retryStrategy: () => 50 }
  const target = options.client === 'lent' ? quiet(new Redis(server)) : server
  // A separate connection, so that the network can cut the bus without the data, and the data without the bus.
  const subscriber = quiet(new Redis({ ...server, port: options.busPort }))
  const tier = redisTier(target, { timeout: '250ms', leaseTtl: '1s', breaker: { maxOpenFor: '500ms' }, subscriber })
  return createCache({
    name: CACHE_NAME,
    l1: options.kind === 'newcomer' ? false : { maxEntries: 100, maxStaleness: options.maxStalenessMs },
    l2: mutated(tier, options.mutation as PortMutation | undefined),
    ttl: '10m',
    hardTimeout: '20s',
  })
}

/** Without a listener the client prints its errors. */
function quiet(client: Redis): Redis {
  return client.on('error', () => undefined)
}

function report(message: Report): void {
  send(message)
}

function flush(): void {
  if (records.length === 0) return
  report({ report: 'records', records })
  records = []
}

function pick<T>(list: readonly T[]): T {
  return list[Math.floor(Math.random() * list.length)] as T
}

function someTags(): string[] {
  return TAGS.filter(() => Math.random() < 0.4)
}

/** Most loads are quick; some take longer than every bound. */
function loadMs(): number {
  const draw = Math.random()
  if (draw < 0.4) return Math.random() * 5
  return draw < 0.97 ? Math.random() * 80 : Math.random() * 3_000
}

function born(key: string, tags: readonly string[], write: number | undefined): { id: string } {
  const id = `${options.process}:${births++}`
  records.push({ record: 'birth', id, process: options.process, key, tags, atMs: machineNowMs(), write })
  return { id }
}

async function load(key: string, tags: readonly string[]): Promise<Value> {
  const { id } = born(key, tags, undefined)
  const version = Number((await database.get(`version:${key}`)) ?? 0)
  await sleep(loadMs())
  records.push({ record: 'loaded', id, atMs: machineNowMs() })
  return { id, version, tags }
}

async function read(kind: ReadRecord['kind'], key: string): Promise<void> {
  const call = callOf(cache)
  const value = await readValue(kind, key)
  const read = { record: 'read', process: options.process, kind, key, ...call } as const
  records.push({ ...read, value: value?.id, completedMs: machineNowMs() })
}

function readValue(kind: ReadRecord['kind'], key: string): Promise<Value | undefined> {
  if (kind === 'fromRedis') return cache.get<Value>(key, { tiers: 'l2' })
  if (kind !== 'load') return cache.get<Value>(key)
  const tags = someTags()
  switch (pick(['listed', 'derived', 'byLoader', 'reserved'])) {
    case 'reserved':
      return reserve(key, tags)
    case 'listed':
      return cache.getOrSet(key, () => load(key, tags), { tags })
    case 'derived':
      return cache.getOrSet(key, () => load(key, tags), { tags: (value) => value.tags })
    default:
      return cache.getOrSet(key, async (ctx) => {
        ctx.tags(tags)
        return await load(key, tags)
      })
  }
}

/** Looks up and fills apart. Some slots are released. */
async function reserve(key: string, tags: readonly string[]): Promise<Value | undefined> {
  const reserved = await cache.reserve<Value>(key, { tags: tags.slice(0, 1) })
  if (reserved.hit) return reserved.value
  const value = await load(key, tags)
  if (Math.random() < 0.1) reserved.release()
  else void reserved.fill(value, { tags })
  return value
}

async function write(kind: WriteRecord['kind']): Promise<void> {
  const number = writes++
  const key = kind === 'set' || kind === 'delete' ? pick(KEYS) : undefined
  const tags = kind === 'set' || kind === 'invalidateTags' ? [pick(TAGS)] : []
  // The database first, as an application does it; the cached old version is then outdated.
  const version = key === undefined ? 0 : await database.incr(`version:${key}`)
  const calledMs = machineNowMs()
  const result = await perform(kind, key ?? '', tags, { ...born(key ?? '', tags, number), version, tags })
  const written = { record: 'write', process: options.process, number, kind, key, tags, calledMs } as const
  records.push({ ...written, completedMs: machineNowMs(), result })
}

function perform(kind: WriteRecord['kind'], key: string, tags: readonly string[], value: Value) {
  switch (kind) {
    case 'set':
      return cache.set(key, value, { tags })
    case 'delete':
      return cache.delete(key)
    case 'invalidateTags':
      return cache.invalidateTags(tags)
    case 'clear':
      return cache.clear()
  }
}

async function act(): Promise<void> {
  const draw = Math.random() * (options.kind === 'writer' ? 1 : READS)
  if (draw < 0.6) return read('load', pick(KEYS))
  if (draw < 0.75) return read('get', pick(KEYS))
  if (draw < READS) return read('fromRedis', pick(KEYS))
  if (draw < 0.92) return write('delete')
  if (draw < 0.96) return write('set')
  return draw < 0.995 ? write('invalidateTags') : write('clear')
}

async function keepActing(): Promise<void> {
  while (!isStopping) {
    await act()
    await sleep(Math.random() * 6)
  }
}

onMessage<Order>((message) => {
  if (message.order === 'stop') isStopping = true
  else void readAll()
})

async function readAll(): Promise<void> {
  const kind = options.kind === 'newcomer' ? 'newcomer' : 'get'
  for (const key of KEYS) await read(kind, key)
  flush()
  report({ report: 'hasReadAll' })
}

process.on('unhandledRejection', (error) => report({ report: 'broken', error: String(error) }))
setInterval(flush, 200)
await cache.set('warm', 'the connection stands and the tokens are known')
report({ report: 'ready' })
if (options.kind !== 'newcomer') {
  try {
    await Promise.all(Array.from({ length: options.concurrency }, keepActing))
  } catch (error) {
    report({ report: 'broken', error: String((error as Error).stack) })
  }
  flush()
  report({ report: 'stopped' })
}
