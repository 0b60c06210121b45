// One behaviour each. The outcome is what happened, in words or numbers; nothing is judged here.
import { setTimeout as sleep } from 'node:timers/promises'
import { deferred } from '../../src/testing/deferred.js'
import type { RedisServer } from '../../test/support/redis-server.js'
import type { OpenOptions, Peer, PeerCache, Tiers } from '../peers/peer.js'

export interface Place {
  readonly peer: Peer
  readonly server: RedisServer
  /** Unique in the server. */
  readonly prefix: string
}

export interface Experiment {
  readonly id: string
  readonly title: string
  run(place: Place): Promise<string>
}

const HANGS_MS = 5_000

/** What an instance has: both tiers with a bus where the library has them. */
function optionsOf({ peer, server, prefix }: Place, load: (key: string) => unknown): OpenOptions {
  const tiers: Tiers = peer.tiers.includes('both') ? 'both' : 'l2'
  const bus = tiers === 'both'
  const sizes = { maxEntries: 1_000, ttlMs: 60_000, redisPort: server.port, face: 'root', tags: [] } as const
  return { ...sizes, tiers, bus, prefix, load }
}

async function removed(cache: PeerCache, key: string): Promise<void> {
  if (cache.remove === undefined) throw new Error('the adapter cannot remove a key')
  await cache.remove(key)
}

/** `key` is there, so that a library that finds the key in a value works too. */
const row = (key: string, value: unknown) => ({ key, value })

async function deleteDuringLoad(place: Place): Promise<string> {
  const gate = deferred()
  const begun = deferred()
  let value = 'old'
  const cache = await place.peer.open(
    optionsOf(place, async (key) => {
      const read = row(key, value)
      if (value === 'old') {
        begun.resolve()
        await gate.promise
      }
      return read
    }),
  )
  const reading = cache.read('k')
  await begun.promise
  value = 'new'
  await removed(cache, 'k')
  gate.resolve()
  await reading
  await cache.settle?.()
  await sleep(100)
  return `${((await cache.read('k')) as { value: string }).value} value`
}

async function loadsOfColdKey(place: Place): Promise<string> {
  let loads = 0
  const load = async (key: string) => {
    loads++
    await sleep(200)
    return row(key, 1)
  }
  const caches = await Promise.all(Array.from({ length: 4 }, () => place.peer.open(optionsOf(place, load))))
  await sleep(300)
  await Promise.all(caches.flatMap((cache) => [cache.read('k'), cache.read('k')]))
  return `${loads}`
}

async function errorOfLoader(place: Place): Promise<string> {
  const cache = await place.peer.open(
    optionsOf(place, async () => {
      throw new RangeError('no such user')
    }),
  )
  return cache.read('k').then(
    (value) => `returns ${String(value)}`,
    (error) => (error instanceof RangeError ? 'untouched' : 'wrapped'),
  )
}

const VALUES: Readonly<Record<string, [unknown, (value: unknown) => boolean]>> = {
  // Everybody keeps this one. If not, the experiment is wrong.
  object: [{ a: 1 }, (value) => (value as { a?: number } | undefined)?.a === 1],
  Date: [new Date(0), (value) => value instanceof Date && value.getTime() === 0],
  Map: [new Map([[1, 2]]), (value) => value instanceof Map && value.get(1) === 2],
  Set: [new Set([1]), (value) => value instanceof Set && value.has(1)],
  BigInt: [2n ** 70n, (value) => value === 2n ** 70n],
  Buffer: [Buffer.from('ab'), (value) => Buffer.isBuffer(value) && value.toString() === 'ab'],
}

async function valuesThroughRedis(place: Place): Promise<string> {
  const kept: string[] = []
  for (const [name, [value, isSame]] of Object.entries(VALUES)) {
    const options = {
      ...optionsOf({ ...place, prefix: `${place.prefix}${name}` }, (key) => row(key, value)),
      bus: false,
    }
    const l2 = { ...options, tiers: 'l2' } as const
    const cache = await place.peer.open(l2)
    const isWritten = await cache.read('k').then(
      () => true,
      () => false, // The library refuses the value.
    )
    if (!isWritten) continue
    await cache.settle?.()
    await sleep(50)
    const reader = await place.peer.open({ ...l2, load: () => row('k', 'loaded again') })
    const found = (await reader.read('k')) as { value?: unknown } | undefined
    if (isSame(found?.value)) kept.push(name)
  }
  if (!kept.includes('object')) throw new Error('a plain object does not come back')
  return kept.join(', ')
}

async function readWhileRedisHangs(place: Place): Promise<string> {
  const cache = await place.peer.open({ ...optionsOf(place, (key) => row(key, 1)), l2TimeoutMs: 200 })
  await cache.read('warm')
  await sleep(300)
  place.server.pause()
  try {
    const ended = cache.read('cold').then(
      () => 'a value',
      () => 'an error',
    )
    return await Promise.race([ended, sleep(HANGS_MS, `nothing within ${HANGS_MS / 1_000} s`)])
  } finally {
    place.server.resume()
  }
}

export const EXPERIMENTS: readonly Experiment[] = [
  { id: 'delete', title: 'a key is deleted while its load runs; the next read returns the …', run: deleteDuringLoad },
  { id: 'flight', title: '4 instances, 8 reads of one cold key: loads', run: loadsOfColdKey },
  { id: 'error', title: 'the error of a loader arrives …', run: errorOfLoader },
  {
    id: 'values',
    title: 'of an object, Date, Map, Set, BigInt, Buffer, through Redis come back equal …',
    run: valuesThroughRedis,
  },
  { id: 'hang', title: 'Redis hangs (SIGSTOP); a read of a cold key brings …', run: readWhileRedisHangs },
]
