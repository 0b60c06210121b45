// One process of the fleet: a cache over Redis with a bus, and the work that it is told to do.
import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import { createCache } from '../../dist/index.js'
import { redisTier } from '../../dist/redis.js'
import { keyOf, makeValue } from '../worker/values.js'
import type { FleetAssignment, FleetCommand, FleetReport, Work, Worked } from './messages.js'

const ENTRIES = 2_000
const IN_FLIGHT = 64
const TAGS = 1_000
/** Messages that are still on their way when a phase ends. */
const AFTERMATH_MS = 300
const TICK_MS = 1
const SENT_AT = 'sent:'

const { process: own, ports, isCluster } = JSON.parse(process.argv[2] as string) as FleetAssignment
const addresses = ports.map((port) => ({ host: '127.0.0.1', port }))
const client = isCluster ? new Cluster(addresses) : new Redis(ports[0] as number, '127.0.0.1')
await client.ping()
const cache = createCache({
  name: 'fleet',
  ttl: '1h',
  l1: { maxEntries: 10_000 },
  // A fleet that overloads its server must be measured, not replaced by loads.
  l2: redisTier(client, { timeout: '10s' }),
})
let next = 0
let lagsMs: number[] = []

cache.on('invalidated', ({ origin, tags }) => {
  const nowMs = machineNowMs()
  if (origin === 'remote') for (const tag of tags) if (tag.startsWith(SENT_AT)) lagsMs.push(nowMs - sentAtOf(tag))
})

process.on('message', (command: FleetCommand) => {
  void obey(command).catch((error) => say({ report: 'failed', reason: String(error) }))
})
await cache.invalidateTags('warm')
say({ report: 'ready' })

async function obey(command: FleetCommand): Promise<void> {
  switch (command.do) {
    case 'fill':
      for (let i = 0; i < ENTRIES; i++) await cache.set(keyOf(i), makeValue(keyOf(i)))
      return say({ report: 'ready' })
    case 'end':
      await cache.close()
      process.exit(0)
      break
    default:
      return say(await worked(command))
  }
}

async function worked({ do: work, forMs, perSecond }: Extract<FleetCommand, { forMs: number }>): Promise<Worked> {
  lagsMs = []
  const before = process.cpuUsage()
  const startMs = performance.now()
  const untilMs = startMs + forMs
  const done = work === 'paced' ? await invalidatePaced(untilMs, perSecond) : await repeat(CALLS[work], untilMs)
  const tookMs = performance.now() - startMs
  await cache.drain()
  if (work === 'paced') await sleep(AFTERMATH_MS)
  const { user, system } = process.cpuUsage(before)
  return { report: 'worked', done, tookMs, cpuMs: (user + system) / 1_000, lagsMs }
}

const CALLS: Record<Exclude<Work, 'paced'>, (i: number) => Promise<unknown>> = {
  async reads(i) {
    const key = keyOf((i * 7_919 + own) % ENTRIES)
    if ((await cache.get(key, { tiers: 'l2' })) === undefined) throw new Error(`${key} was not found`)
  },
  misses: (i) => cache.getOrSet(`miss:${own}:${i}`, ({ key }) => makeValue(key)),
  async invalidations(i) {
    const result = await cache.invalidateTags(`tag:${(i * 7 + own) % TAGS}`)
    if (result !== 'applied') throw new Error('an invalidation did not reach Redis')
  },
}

async function repeat(call: (i: number) => Promise<unknown>, untilMs: number): Promise<number> {
  let done = 0
  const caller = async () => {
    while (performance.now() < untilMs) {
      await call(next++)
      done++
    }
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller))
  return done
}

/** Invalidates at random moments, as services do: the gaps are exponentially distributed. */
async function invalidatePaced(untilMs: number, perSecond: number): Promise<number> {
  let done = 0
  let dueMs = performance.now() + gapMs(perSecond)
  const pending: Promise<unknown>[] = []
  for (; performance.now() < untilMs; await sleep(TICK_MS)) {
    for (; dueMs < performance.now() && dueMs < untilMs; dueMs += gapMs(perSecond), done++) {
      pending.push(cache.invalidateTags(`${SENT_AT}${machineNowMs()}:${own}:${next++}`))
    }
  }
  await Promise.all(pending)
  return done
}

function gapMs(perSecond: number): number {
  return (-Math.log(1 - Math.random()) * 1_000) / perSecond
}

function sentAtOf(tag: string): number {
  return Number(tag.slice(SENT_AT.length).split(':')[0])
}

/** The monotonic clock of the machine, the same in all its processes. */
function machineNowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

function say(report: FleetReport): void {
  process.send?.(report)
}
