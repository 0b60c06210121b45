// What a worker does in a slice, by name. Whatever is prepared here is checked before it is measured: values come back unchanged,
// and a hit loads nothing.
import { isDeepStrictEqual } from 'node:util'
import type { Face, OpenOptions, PeerCache } from '../peers/peer.js'
import { peerNamed } from '../peers/peers.js'
import { drawKeys } from './draw.js'
import type { Assignment, Draw, DrillParams } from './messages.js'
import { timeAwaited, timeInFlight, timeOneByOne, timeSync } from './timing.js'
import { keyOf, makeValue } from './values.js'

/** An hour, so that nothing expires during a run. */
const TTL_MS = 3_600_000
const FILLERS = 256
const MANY = 100

export interface Bench {
  readonly cache: PeerCache
  readonly params: Required<DrillParams>
  /** The number of loads so far. */
  loads(): number
}

/** The cost of one slice. */
export type Slice = (budgetMs: number) => Promise<{ cost: number; details?: Record<string, number | string> }>

export async function openBench(assignment: Assignment, overrides: Partial<OpenOptions> = {}): Promise<Bench> {
  const { params: given, peer, redisPort, prefix } = assignment
  const entries = given.entries ?? 1_000
  const params = {
    entries,
    room: entries,
    draw: 'zipf' as Draw,
    valueBytes: 200,
    tags: 0,
    bus: false,
    face: 'root' as Face,
    inFlight: 1,
    ...given,
  }
  let loads = 0
  // A million entries share one value, since only the cache's own memory and look-ups matter there.
  const shared =
    params.entries > 200_000 || params.valueBytes > 10_000 ? makeValue(keyOf(7), params.valueBytes) : undefined
  const cache = await peerNamed(peer).open({
    tiers: params.tiers,
    maxEntries: params.room,
    ttlMs: TTL_MS,
    redisPort,
    prefix,
    bus: params.bus,
    face: params.face,
    tags: Array.from({ length: params.tags }, (_, i) => `tag-${i}`),
    load: (key) => {
      loads++
      return shared ?? makeValue(key, params.valueBytes)
    },
    ...overrides,
  })
  return { cache, params, loads: () => loads }
}

/** Reads every key once, many at a time. */
export async function fill({ cache, params }: Bench): Promise<void> {
  await readAll(
    cache,
    Array.from({ length: params.entries }, (_, i) => keyOf(i)),
  )
  await cache.settle?.()
}

async function readAll(cache: PeerCache, keys: readonly string[]): Promise<void> {
  let next = 0
  const reader = async () => {
    while (next < keys.length) await cache.read(keys[next++] as string)
  }
  await Promise.all(Array.from({ length: FILLERS }, reader))
}

async function assertHit(bench: Bench, key: string, found: unknown): Promise<void> {
  const expected = found as { key: string }
  const loads = bench.loads()
  const again = await bench.cache.read(key)
  const { valueBytes } = bench.params
  if (bench.loads() !== loads) throw new Error(`a read of ${key} loads although it is cached`)
  if (!isDeepStrictEqual(again, found)) throw new Error(`two reads of ${key} differ`)
  if (!isDeepStrictEqual(found, makeValue(expected.key, valueBytes)))
    throw new Error(`${key} came back as another value`)
}

/** A call to be measured, and the check that it did what it was meant to do. */
export interface Drill {
  readonly bench: Bench
  readonly call: (i: number) => Promise<unknown>
  /** Throws if a call since the last check did something else. */
  readonly check: () => void
}

export async function prepareHits(assignment: Assignment): Promise<Drill & { readonly keys: readonly string[] }> {
  const bench = await openBench(assignment)
  const { cache, params } = bench
  await fill(bench)
  const keys = drawKeys(params.draw, params.entries)
  const mask = keys.length - 1
  await assertHit(bench, keys[0] as string, await cache.read(keys[0] as string))
  const loads = bench.loads()
  const call = (i: number) => cache.read(keys[i & mask] as string)
  const check = () => {
    if (bench.loads() !== loads) throw new Error(`${bench.loads() - loads} reads loaded: they were no hits`)
  }
  return { bench, call, check, keys }
}

export async function hits(assignment: Assignment): Promise<Slice> {
  const { bench, call, check, keys } = await prepareHits(assignment)
  const { cache, params } = bench
  const asked = [...new Set(keys)]
  return async (budgetMs) => {
    await confirm(bench, asked)
    const cost =
      params.tiers === 'l2' ? await timeInRedis(call, params, budgetMs, cache) : await timeAwaited(call, budgetMs)
    check()
    return { cost }
  }
}

/** Without a bus, memory asks Redis again for what it did not confirm for some seconds. That is no hit in memory, so it comes before. */
async function confirm({ cache, params }: Bench, keys: readonly string[]): Promise<void> {
  if (params.tiers === 'both') await readAll(cache, keys)
}

function timeInRedis(
  call: (i: number) => Promise<unknown>,
  { inFlight }: Required<DrillParams>,
  budgetMs: number,
  cache: PeerCache,
): Promise<number> {
  if (inFlight === 1) return timeOneByOne(call, budgetMs)
  return timeInFlight(call, inFlight, budgetMs, async () => cache.settle?.())
}

export async function peek(assignment: Assignment): Promise<Slice> {
  const bench = await openBench(assignment)
  await fill(bench)
  const keys = drawKeys(bench.params.draw, bench.params.entries)
  const mask = keys.length - 1
  const look = bench.cache.peek
  if (look === undefined) throw new Error('cannot look into memory synchronously')
  const asked = [...new Set(keys)]
  await confirm(bench, asked)
  if (!isDeepStrictEqual(look(keys[0] as string), makeValue(keys[0] as string)))
    throw new Error('peek answers another value')
  return async (budgetMs) => {
    await confirm(bench, asked)
    return { cost: await timeSync((i) => look(keys[i & mask] as string), budgetMs) }
  }
}

export async function readMany(assignment: Assignment): Promise<Slice> {
  const bench = await openBench(assignment)
  const { cache, params } = bench
  await fill(bench)
  const drawn = drawKeys('zipf', params.entries)
  const distinct = [...new Set(drawn)]
  const lists = Array.from({ length: 64 }, (_, i) =>
    Array.from({ length: MANY }, (_, j) => distinct[(i * MANY + j) % distinct.length] as string),
  )
  const ask = cache.readMany
  if (ask === undefined) throw new Error('has no call for many keys')
  const first = lists[0] as string[]
  const expected = first.map((key) => makeValue(key, params.valueBytes))
  if (!isDeepStrictEqual([...(await ask(first))], expected))
    throw new Error('many keys come back otherwise than they were asked')
  const call = (i: number) => ask(lists[i & 63] as string[])
  const time = params.tiers === 'l2' ? timeOneByOne : timeAwaited
  return async (budgetMs) => {
    await confirm(bench, distinct)
    return { cost: await time(call, budgetMs) }
  }
}

export async function prepareMisses(assignment: Assignment): Promise<Drill> {
  const bench = await openBench(assignment)
  const { cache } = bench
  const first = await cache.read(keyOf(0))
  await cache.settle?.()
  await assertHit(bench, keyOf(0), first)
  let next = 1
  const before = bench.loads() - next
  const call = () => cache.read(keyOf(next++))
  const check = () => {
    if (bench.loads() - next !== before) throw new Error('a miss did not load exactly once')
  }
  return { bench, call, check }
}

export async function misses(assignment: Assignment): Promise<Slice> {
  const { bench, call, check } = await prepareMisses(assignment)
  const { cache, params } = bench
  return async (budgetMs) => {
    const cost = await timeInRedis(call, params, budgetMs, cache)
    await cache.settle?.()
    check()
    return { cost }
  }
}

export async function writes(assignment: Assignment): Promise<Slice> {
  const bench = await openBench(assignment)
  const { cache, params } = bench
  const { write } = cache
  if (write === undefined) throw new Error('has no call that writes')
  const values = Array.from({ length: params.entries }, (_, i) => makeValue(keyOf(i), params.valueBytes))
  await write(keyOf(0), values[0])
  await cache.settle?.()
  if (!isDeepStrictEqual(await cache.read(keyOf(0)), values[0]) || bench.loads() > 0)
    throw new Error('a write cannot be read')
  const call = (i: number) => write(keyOf(i % params.entries), values[i % params.entries])
  return async (budgetMs) => ({ cost: await timeInRedis(call, params, budgetMs, cache) })
}
