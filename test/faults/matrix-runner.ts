// Runs one cell of the fault matrix: a healthy start, the fault, traffic during it, its end, recovery, and a check of every process.
import type { Cache } from 'tiercache'
import { expect } from 'vitest'
import type { RedisOptions } from '../support/redis-server.js'
import { faultRows } from '../support/runbook.js'
import { sleep, waitFor } from '../support/wait.js'
import { KEYS, MAX_STALENESS_MS, type Row, tagOf, World } from './matrix-world.js'

/** One kind of trouble, and the effects that are allowed. */
export interface Cell {
  readonly name: string
  readonly server?: RedisOptions
  /** A trouble that begins before the caches are created. */
  readonly atStart?: (world: World) => unknown
  readonly begin?: (world: World) => unknown
  readonly end?: (world: World) => unknown
  /** How long the caches work during the trouble. Default 1.2 s. */
  readonly lastsMs?: number
  readonly breaker: 'opens' | 'stays closed' | 'may open'
  /** The result of writes while the breaker is open, or of all writes where it stays closed. */
  readonly writes: 'queued' | 'applied' | 'either'
  /** For how long after the trouble a value stored by one process may be a miss for others. Default 0. */
  readonly missesForMs?: number
}

/** Longer than any read takes on a busy machine. The unit tests check to the millisecond what L2 may cost. */
const A_HANG_MS = 30_000
/** Within this time even a busy machine replies in time once. */
const MENDING_MS = 20_000

export async function play(cell: Cell): Promise<void> {
  // Where L2 is expected to stay in use, a busy machine must not look like a hung Redis.
  const world = await World.make(cell.server ?? {}, cell.breaker === 'stays closed' ? 10_000 : 200)
  try {
    await cell.atStart?.(world)
    if (cell.atStart === undefined) await fill(world)
    await cell.begin?.(world)
    await workFor(world, cell.lastsMs ?? 1_200)
    await cell.end?.(world)
    await Promise.all([isWell(world.a), isWell(world.b)])
    await workFor(world, 300)
    await isWell(world.a)
    check(world, cell)
    checkRunbook(world, cell)
    // G3: by now the other processes have received the changes or verified their entries.
    await sleep(MAX_STALENESS_MS + 500)
    await checkNothingStale(world)
    await checkL2Works(world, cell.missesForMs ?? 0)
    await checkCloses(world)
  } finally {
    await world.end()
  }
}

async function isWell(cache: Cache): Promise<void> {
  await waitFor('recovery', () => {
    const { l2, bus } = cache.stats()
    return l2.available && l2.waiting === 0 && bus.trusted
  })
}

/** Every process gets every key, in memory and in L2. */
async function fill({ a, b, load }: World): Promise<void> {
  await Promise.all([isWell(a), isWell(b)])
  for (const cache of [a, b]) {
    await Promise.all(KEYS.map((key) => cache.getOrSet(key, load(key), { tags: [tagOf(key)] })))
    await cache.drain()
  }
}

async function workFor(world: World, lastsMs: number): Promise<void> {
  const untilMs = performance.now() + lastsMs
  const changes = ['delete', 'tag', 'set'] as const
  const underWay: Promise<unknown>[] = []
  for (let i = 0; performance.now() < untilMs; i++) {
    const key = KEYS[(i * 5) % KEYS.length] as string
    if (i % 4 === 0) underWay.push(world.change(changes[(i / 4) % 3] as (typeof changes)[number], key))
    underWay.push(world.read(key), world.read(`k${1_000 + i}`), readsOfB(world, key))
    await sleep(20)
  }
  await Promise.all(underWay)
}

async function readsOfB(world: World, key: string): Promise<void> {
  try {
    await world.b.getOrSet(key, world.load(key), { tags: [tagOf(key)] })
  } catch (error) {
    world.violations.push(`a read of ${key} in the other process was rejected: ${error}`)
  }
}

function check(world: World, cell: Cell): void {
  const { violations, reads, writes, events, a } = world
  expect(violations).toEqual([])
  expect(Math.max(...reads.map(({ tookMs }) => tookMs))).toBeLessThan(A_HANG_MS)
  const degraded = outagesOf(world)
  const recovered = events.filter((event) => event === 'recovered').length
  expect(recovered, 'each outage is reported once when it begins and once when it ends').toBe(degraded)
  if (cell.breaker === 'opens') expect(degraded).toBeGreaterThan(0)
  if (cell.breaker === 'stays closed') expect(degraded).toBe(0)
  const known = cell.breaker === 'stays closed' ? writes : writes.filter(({ whileOpen }) => whileOpen)
  expect(known.length + Number(cell.writes === 'either')).toBeGreaterThan(0)
  if (cell.writes !== 'either') expect([...new Set(known.map(({ result }) => result))]).toEqual([cell.writes])
  expect(a.stats().l2.breaker).toBe('closed')
}

/** What the runbook says that an operator sees was seen. */
function checkRunbook({ heard }: World, { name }: Cell): void {
  const row = faultRows().find(({ fault }) => fault === name)
  expect(row, 'docs/runbook.md has a line for it').toBeDefined()
  expect([...heard]).toEqual(expect.arrayContaining([...(row?.events ?? [])]))
}

/** Nothing that was invalidated during the trouble is served after it, neither from memory nor from L2, nor to a new process. */
async function checkNothingStale(world: World): Promise<void> {
  const newcomer = world.open(world.server.url)
  await isWell(newcomer)
  const stale: string[] = []
  for (const key of KEYS) {
    const inL2 = await newcomer.get<Row>(key)
    const rows = [
      ['a', await world.a.getOrSet(key, world.load(key), { tags: [tagOf(key)] })],
      ['b', await world.b.getOrSet(key, world.load(key), { tags: [tagOf(key)] })],
    ] as [string, Row][]
    if (inL2 !== undefined) rows.push(['a newcomer', inL2])
    const version = world.versionOf(key)
    for (const [who, row] of rows)
      if (row.version !== version) stale.push(`${who}: ${key} ${row.version}, not ${version}`)
  }
  expect(stale).toEqual([])
}

/**
 * A value that one process stores is a hit for a new process, at once or soon. An attempt in which an operation timed out, or L2 was
 * not in use, does not count: the machine may be too busy for the short timeout of the cells.
 */
async function checkL2Works(world: World, missesForMs: number): Promise<void> {
  const startMs = performance.now()
  for (let number = 999_999; ; number++) {
    const key = `k${number}`
    await isWell(world.a)
    const troublesBefore = troublesOf(world)
    await world.a.getOrSet(key, world.load(key), { tags: ['t0'] })
    await world.a.drain()
    const newcomer = world.open(world.server.url)
    await isWell(newcomer)
    const found = await newcomer.get(key)
    const hasFailed = troublesOf(world) > troublesBefore || newcomer.stats().l2Failures > 0
    if (found === undefined && performance.now() - startMs < (hasFailed ? MENDING_MS : missesForMs)) {
      await newcomer.close()
      await sleep(500)
      continue
    }
    expect(found, `not stored, or not found: ${world.events.slice(-5).join(', ')}`).toEqual({ key, version: 0 })
    return
  }
}

/** The number of failed operations of L2 and of outages, which may begin without a failed operation. */
function troublesOf(world: World): number {
  return world.a.stats().l2Failures + outagesOf(world)
}

function outagesOf({ events }: World): number {
  return events.filter((event) => event.startsWith('degraded')).length
}

async function checkCloses({ a }: World): Promise<void> {
  await a.close()
  await expect(a.get('k0')).rejects.toMatchObject({ code: 'CLOSED' })
}
