// What each library does on a bad day: one function per question, which returns the answer as a few words.
import { isDeepStrictEqual } from 'node:util'
import { startProxy, type TcpProxy } from '../../test/support/proxy.js'
import { type RedisServer, startRedis } from '../../test/support/redis-server.js'
import { sleep } from '../../test/support/wait.js'
import type { Peer, PeerCache, Tiers } from '../peers/peer.js'

export interface Probe {
  readonly id: string
  readonly question: string
  /** What a cache should do. */
  readonly wanted: string
  ask(peer: Peer): Promise<string>
}

const TTL_MS = 60_000
const PATIENCE_MS = 5_000

interface Opening {
  readonly port: number
  readonly load: (key: string) => unknown
  readonly bus?: boolean
  readonly only?: Tiers
}

function open(peer: Peer, { port, load, bus = false, only }: Opening): Promise<PeerCache> {
  const tiers = only ?? (peer.tiers.includes('both') ? 'both' : 'l2')
  return peer.open({
    ...{ tiers, maxEntries: 1_000, ttlMs: TTL_MS, redisPort: port, prefix: 'probe' },
    ...{ bus: bus && tiers === 'both', face: 'root', tags: [], asDocumented: true, load },
  })
}

/** The value and how long it took; how the call failed; or that it did not end. */
async function outcome(call: Promise<unknown>, words: (value: unknown) => string): Promise<string> {
  const startedAt = performance.now()
  const ended = call.then(
    (value) => `${words(value)} after ${Math.round(performance.now() - startedAt)} ms`,
    (error) => `rejects (${error?.message?.split('\n')[0]?.slice(0, 40)})`,
  )
  return Promise.race([ended, sleep(PATIENCE_MS).then(() => `no reply within ${PATIENCE_MS / 1_000} s`)])
}

async function withRedis<T>(work: (server: RedisServer) => Promise<T>): Promise<T> {
  const server = await startRedis()
  try {
    return await work(server)
  } finally {
    await server.stop()
  }
}

async function withProxy<T>(port: number, work: (proxy: TcpProxy) => Promise<T>): Promise<T> {
  const proxy = await startProxy(port)
  try {
    return await work(proxy)
  } finally {
    await proxy.stop()
  }
}

const keyed = (key: string, value: unknown) => ({ key, value })
const readValue = (read: unknown) => (read as { value?: unknown } | undefined)?.value

const duringLoad: Probe = {
  id: 'delete-during-load',
  question: 'A row is changed and its key deleted while a load of it runs. What do later reads get?',
  wanted: 'the new row',
  ask: (peer) =>
    withRedis(async ({ port }) => {
      let row = 'old'
      const load = async (key: string) => {
        const seen = row
        await sleep(200)
        return keyed(key, seen)
      }
      const cache = await open(peer, { port, load })
      const reading = cache.read('k')
      await sleep(60)
      row = 'new'
      await cache.remove?.('k')
      await reading
      await sleep(60)
      return `the ${readValue(await cache.read('k'))} row`
    }),
}

const stampede: Probe = {
  id: 'cold-key',
  question: 'Four processes, 100 callers each, one cold key. How many loads?',
  wanted: '1',
  ask: (peer) =>
    withRedis(async ({ port }) => {
      let loads = 0
      const load = async (key: string) => {
        loads++
        await sleep(50)
        return keyed(key, 1)
      }
      const caches = await Promise.all([1, 2, 3, 4].map(() => open(peer, { port, load })))
      await Promise.all(caches.flatMap((cache) => Array.from({ length: 100 }, () => cache.read('k'))))
      return String(loads)
    }),
}

const hung: Probe = {
  id: 'redis-hangs',
  question: 'Redis hangs (SIGSTOP). What does a read of a new key do?',
  wanted: 'it loads',
  ask: (peer) =>
    withRedis(async (server) => {
      const cache = await open(peer, { port: server.port, load: (key) => keyed(key, 'loaded') })
      await cache.read('warm')
      server.pause()
      try {
        return await outcome(cache.read('k'), (read) => (readValue(read) === 'loaded' ? 'loads' : 'returns nothing'))
      } finally {
        server.resume()
      }
    }),
}

const killed: Probe = {
  id: 'redis-gone',
  question: 'Redis is gone. What does a read of a new key do?',
  wanted: 'it loads',
  ask: (peer) =>
    withRedis(async (server) => {
      const cache = await open(peer, { port: server.port, load: (key) => keyed(key, 'loaded') })
      await cache.read('warm')
      await server.stop()
      return outcome(cache.read('k'), (read) => (readValue(read) === 'loaded' ? 'loads' : 'returns nothing'))
    }),
}

const lostDelete: Probe = {
  id: 'delete-while-away',
  question:
    'A key is deleted while Redis cannot be reached for a second. What do reads of another process get afterwards?',
  wanted: 'the new row',
  ask: (peer) =>
    withRedis(({ port }) =>
      withProxy(port, async (proxy) => {
        let row = 'old'
        const load = (key: string) => keyed(key, row)
        const [cut, other] = [
          await open(peer, { port: proxy.port, load, only: 'l2' }),
          await open(peer, { port, load, only: 'l2' }),
        ]
        await cut.read('k')
        await proxy.refuse()
        row = 'new'
        await Promise.race([cut.remove?.('k').catch(() => undefined), sleep(1_000)])
        await sleep(1_000)
        await proxy.restore()
        await sleep(3_000)
        return `the ${readValue(await other.read('k'))} row`
      }),
    ),
}

const missedMessage: Probe = {
  id: 'missed-announcement',
  question:
    'A process is cut off from Redis for a second, and a key is deleted elsewhere meanwhile. What does it serve 5 s later?',
  wanted: 'the new row',
  ask: (peer) =>
    withRedis(({ port }) =>
      withProxy(port, async (proxy) => {
        if (!peer.tiers.includes('both')) return 'has no two tiers'
        let row = 'old'
        const load = (key: string) => keyed(key, row)
        const cut = await open(peer, { port: proxy.port, load, bus: true })
        const other = await open(peer, { port, load, bus: true })
        await cut.read('k')
        await sleep(300)
        await proxy.refuse()
        row = 'new'
        await other.remove?.('k')
        await sleep(1_000)
        await proxy.restore()
        await sleep(5_000)
        return `the ${readValue(await cut.read('k'))} row`
      }),
    ),
}

const TYPES: Readonly<Record<string, unknown>> = {
  Date: new Date(0),
  Map: new Map([[1, 'a']]),
  Set: new Set([1]),
  BigInt: 2n ** 60n + 1n,
  Buffer: Buffer.from('ab'),
}

const types: Probe = {
  id: 'types',
  question: 'Date, Map, Set, BigInt and Buffer through Redis. Which come back as they were?',
  wanted: 'all five',
  ask: (peer) =>
    withRedis(async ({ port }) => {
      const load = (key: string) => keyed(key, TYPES[key])
      const same: string[] = []
      for (const key of Object.keys(TYPES)) {
        const [one, other] = [
          await open(peer, { port, load, only: 'l2' }),
          await open(peer, { port, load: () => keyed(key, 'loaded again'), only: 'l2' }),
        ]
        const read = await one
          .read(key)
          .then(() => other.read(key))
          .catch(() => undefined)
        if (isDeepStrictEqual(readValue(read), TYPES[key])) same.push(key)
      }
      return same.length === 5 ? 'all five' : same.length === 0 ? 'none' : same.join(', ')
    }),
}

const failing: Probe = {
  id: 'loader-throws',
  question: 'The loader throws. What does its caller get?',
  wanted: 'its error',
  ask: (peer) =>
    withRedis(async ({ port }) => {
      const own = new RangeError('no such row')
      const cache = await open(peer, { port, load: () => Promise.reject(own) })
      return cache.read('k').then(
        (value) => `resolves with ${String(value)}`,
        (error) => (error === own ? 'its error' : `another error (${error?.constructor?.name})`),
      )
    }),
}

export const PROBES: readonly Probe[] = [duringLoad, stampede, missedMessage, lostDelete, hung, killed, types, failing]
