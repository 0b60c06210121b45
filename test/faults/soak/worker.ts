// One process of the soak: zipf traffic on many keys, and on a few watched keys everything is recorded for the checker.
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { onMessage, send, stopListening } from '../../support/channel.js'
import { sleep } from '../../support/wait.js'
import { callOf, type HistoryRecord, machineNowMs, type ReadRecord, type WriteRecord } from '../history/records.js'
import { Latencies } from './latencies.js'
import type { Sample, WorkerArguments, WorkerOrder, WorkerReport } from './protocol.js'
import { zipf } from './zipf.js'

const { process: own, url, maxStalenessMs, loops, perSecond } = JSON.parse(process.argv[2] as string) as WorkerArguments

const KEYS = 5_000
const WATCHED = 24
const WATCHED_TAGS = 12
const TAGS = 40

const cache = createCache({
  name: 'soak',
  ttl: '30s',
  staleWhileRevalidate: '5s',
  jitter: 0.2,
  l1: { maxEntries: 1_000, maxStaleness: maxStalenessMs },
  l2: redisTier(url, { breaker: { openFor: '200ms', maxOpenFor: '1s' } }),
  // Outages are expected; anything else that a worker prints is a failure.
  logger: false,
})
const pickRank = zipf(KEYS, Math.random)
const latencies = new Latencies()
const rejections: string[] = []
let records: HistoryRecord[] = []
let operations = 0
let births = 0
let writes = 0
let isStopping = false

cache.on('notice', ({ code, detail }) => {
  if (code === 'BACKGROUND_FAILED') rejections.push(`in the background: ${detail}`)
})

const tagsOf = (key: string): string[] => [`t${key.length % TAGS}`, `t${(key.charCodeAt(key.length - 1) * 7) % TAGS}`]
const padding = 'x'.repeat(2_000)

/** Traffic that is not recorded. It may neither reject nor take long. */
async function readSome(): Promise<void> {
  const key = `k${pickRank()}`
  const row = await cache.getOrSet(key, () => ({ key, padding: padding.slice(0, key.length * 300) }), {
    tags: tagsOf(key),
  })
  if (row.key !== key) rejections.push(`a read of ${key} returned ${row.key}`)
}

async function readMany(): Promise<void> {
  const keys = Array.from({ length: 10 }, () => `k${pickRank()}`)
  await cache.getMany(keys)
}

async function change(): Promise<void> {
  const key = `k${pickRank()}`
  const draw = Math.random()
  if (draw < 0.5) await cache.delete(key)
  else if (draw < 0.8) await cache.set(key, { key, padding: '' }, { tags: tagsOf(key) })
  else await cache.invalidateTags(tagsOf(key).slice(0, 1))
}

// ── Watched keys, from which the checker proves G1, G2 and G3 ─────────────────────────────────────────────────────────────────

const watchedTags = (key: string): string[] => [`watched${Number(key.slice(1)) % WATCHED_TAGS}`]

function born(key: string, tags: readonly string[], write: number | undefined): { id: string } {
  const id = `${own}:${births++}`
  records.push({ record: 'birth', id, process: own, key, tags, atMs: machineNowMs(), write })
  return { id }
}

async function readWatched(): Promise<void> {
  const key = `w${Math.floor(Math.random() * WATCHED)}`
  const kinds: readonly ReadRecord['kind'][] = ['load', 'load', 'load', 'get', 'fromRedis']
  const kind = kinds[Math.floor(Math.random() * kinds.length)] as ReadRecord['kind']
  const call = callOf(cache)
  const value = await readAs(kind, key)
  records.push({ record: 'read', process: own, kind, key, value: value?.id, ...call, completedMs: machineNowMs() })
}

function readAs(kind: ReadRecord['kind'], key: string): Promise<{ id: string } | undefined> {
  if (kind === 'fromRedis') return cache.get(key, { tiers: 'l2' })
  if (kind === 'get') return cache.get(key)
  const tags = watchedTags(key)
  const load = async () => {
    const value = born(key, tags, undefined)
    await sleep(Math.random() < 0.9 ? Math.random() * 10 : Math.random() * 400)
    records.push({ record: 'loaded', id: value.id, atMs: machineNowMs() })
    return value
  }
  return cache.getOrSet(key, load, { tags })
}

async function changeWatched(): Promise<void> {
  const number = writes++
  const name = `w${Math.floor(Math.random() * WATCHED)}`
  const draw = Math.random()
  const kind: WriteRecord['kind'] =
    draw < 0.5 ? 'delete' : draw < 0.7 ? 'set' : draw < 0.98 ? 'invalidateTags' : 'clear'
  const key = kind === 'set' || kind === 'delete' ? name : undefined
  const tags = kind === 'set' || kind === 'invalidateTags' ? watchedTags(name) : []
  const calledMs = machineNowMs()
  const result = await tell(kind, name, tags, number)
  const completedMs = machineNowMs()
  records.push({ record: 'write', process: own, number, kind, key, tags, calledMs, completedMs, result })
}

function tell(kind: WriteRecord['kind'], key: string, tags: readonly string[], number: number) {
  switch (kind) {
    case 'set':
      return cache.set(key, born(key, tags, number), { tags })
    case 'delete':
      return cache.delete(key)
    case 'invalidateTags':
      return cache.invalidateTags(tags)
    case 'clear':
      return cache.clear()
    default:
      return kind satisfies never
  }
}

// ── The run ───────────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function step(): Promise<void> {
  const draw = Math.random()
  if (draw < 0.7) return readSome()
  if (draw < 0.76) return readMany()
  if (draw < 0.8) return change()
  // Watched keys are changed so rarely that a value can live longer than allowed, if a process misses the change of another.
  return draw < 0.996 ? readWatched() : changeWatched()
}

/** Operations between two pauses of a loop. */
const STEPS = 4
/** A loop that was held up for longer does not make up for it. */
const CATCH_UP_MS = 1_000

async function loop(): Promise<void> {
  let dueMs = performance.now()
  while (!isStopping) {
    for (let i = 0; i < STEPS; i++) {
      const startMs = performance.now()
      try {
        await step()
      } catch (error) {
        rejections.push(String((error as Error).stack))
      }
      latencies.add(performance.now() - startMs)
      operations++
    }
    if (perSecond === undefined) {
      await sleep(Math.random() * 16)
      continue
    }
    const nowMs = performance.now()
    dueMs = Math.max(nowMs - CATCH_UP_MS, dueMs + (Math.random() * 2 * STEPS * loops * 1_000) / perSecond)
    await sleep(Math.max(0, dueMs - nowMs))
  }
}

/** What must not grow. Taken after a garbage collection. */
function sample(): Sample {
  globalThis.gc?.()
  const { heapUsed, external } = process.memoryUsage()
  const { loading, l2, l1 } = cache.stats()
  const handles = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap').length
  const { flights, background } = loading
  return {
    heapBytes: heapUsed,
    externalBytes: external,
    handles,
    flights,
    background,
    waiting: l2.waiting,
    entries: l1.entries,
  }
}

function report(message: WorkerReport): void {
  send(message)
}

function flush(): void {
  if (records.length > 0) report({ report: 'records', records })
  records = []
}

onMessage<WorkerOrder>((message) => {
  switch (message.order) {
    case 'sample':
      report({ report: 'sample', sample: sample() })
      break
    case 'rest':
      isStopping = true
      break
    case 'end':
      void end()
      break
    default:
      message satisfies never
  }
})

async function end(): Promise<void> {
  const { hits, misses, staleServed, queued, replayed, dropped, fillsRefused, l2Failures } = cache.stats()
  await cache.close()
  const counters = {
    l1Hits: hits.l1,
    l2Hits: hits.l2,
    misses,
    staleServed,
    queued,
    replayed,
    dropped,
    fillsRefused,
    l2Failures,
  }
  report({ report: 'ended', operations, rejections, latencies: latencies.counts, counters })
  // From here on nothing may keep this process alive.
  clearInterval(flushing)
  stopListening()
}

process.on('unhandledRejection', (error) => rejections.push(`unhandled: ${(error as Error)?.stack ?? error}`))
const flushing = setInterval(flush, 200)
await cache.set('warm', 'the connection stands and the tokens are known')
report({ report: 'ready' })
await Promise.all(Array.from({ length: loops }, loop))
await cache.drain()
flush()
report({ report: 'rests' })
