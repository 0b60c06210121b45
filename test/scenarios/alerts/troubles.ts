// A cache for each kind of trouble: what goes wrong with it, and the alerts that have to say so.
import { Redis } from 'ioredis'
import { type Cache, type CacheOptions, createCache } from 'tiercache'
import type { Clock } from 'tiercache/ports'
import { redisTier } from 'tiercache/redis'
import { systemClock } from '../../../src/model/time/clock.js'
import { PATIENT } from '../../support/patient.js'
import { startProxy } from '../../support/proxy.js'
import { startRedis } from '../../support/redis-server.js'
import { sleep } from '../../support/wait.js'
import { Traffic } from './traffic.js'

export interface Trouble {
  readonly traffic: Traffic
  /** The alerts that must fire for this cache. */
  readonly alerts: readonly string[]
  /** Those that may fire as well, as a consequence. */
  readonly consequences?: readonly string[]
  /** One round of traffic. The next one follows a moment later. */
  round(isTroubled: boolean): Promise<unknown>
  begin?(): unknown
  end?(): unknown
  stop?(): Promise<unknown>
}

/** Ends an outage of a test soon after its cause has ended. */
const IMPATIENT = { breaker: { openFor: '100ms', maxOpenFor: '500ms' } } as const

const HALF_AN_HOUR_MS = 30 * 60_000

function open(name: string, options: CacheOptions = {}): Traffic {
  return new Traffic(createCache({ name, ttl: '1h', closeTimeout: '1s', logger: false, ...options }))
}

/** All troubles, on servers of their own. `healthy` has none, and no alert. */
export async function startTroubles(): Promise<Record<string, Trouble>> {
  const server = await startRedis()
  return {
    healthy: { ...healthy(server.url), stop: () => server.stop() },
    stopped: await redisStops(),
    hung: await redisHangs(),
    flapping: await linkIsCut(server.port),
    deaf: await busIsCut(server.port),
    failing: loadsFail(),
    slow: loadsAreSlow(),
    cold: keysChange(),
    small: memoryIsSmall(),
    raced: deletesRace(),
    outdated: valuesGrowOld(),
  }
}

function healthy(url: string): Trouble {
  const traffic = open('healthy', { l2: redisTier(url, PATIENT) })
  return { traffic, alerts: [], round: () => traffic.hot(5) }
}

/** While L2 is away, memory cannot be verified, so its reads are loads. */
const WITHOUT_L2 = ['TiercacheHitRatioFell', 'TiercacheBusUntrusted']

async function redisStops(): Promise<Trouble> {
  const server = await startRedis()
  const traffic = open('stopped', { l2: redisTier(server.url, IMPATIENT) })
  return {
    traffic,
    alerts: ['TiercacheL2OutOfUse', 'TiercacheQueueGrows'],
    consequences: WITHOUT_L2,
    round: async (isTroubled) => {
      await traffic.hot(2)
      if (isTroubled) for (let i = 0; i < 2; i++) await traffic.cache.set(traffic.newKey(), 1)
    },
    begin: () => server.kill(),
    end: () => server.start(),
    stop: () => server.stop(),
  }
}

async function redisHangs(): Promise<Trouble> {
  const server = await startRedis()
  const traffic = open('hung', { l2: redisTier(server.url, IMPATIENT) })
  return {
    traffic,
    alerts: ['TiercacheL2OutOfUse'],
    consequences: WITHOUT_L2,
    round: () => traffic.hot(2),
    begin: () => server.pause(),
    end: () => server.resume(),
    stop: () => server.stop(),
  }
}

/** The connection breaks again and again, and is good in between. */
async function linkIsCut(port: number): Promise<Trouble> {
  const proxy = await startProxy(port)
  const traffic = open('flapping', { l2: redisTier(proxy.url, { ...PATIENT, ...IMPATIENT }) })
  let cutting: NodeJS.Timeout | undefined
  return {
    traffic,
    alerts: ['TiercacheBreakerFlapping'],
    consequences: [...WITHOUT_L2, 'TiercacheL2OutOfUse'],
    round: () => traffic.hot(2),
    begin: () => {
      cutting = setInterval(() => proxy.cut(), 1_000)
    },
    end: () => clearInterval(cutting),
    stop: () => proxy.stop(),
  }
}

async function busIsCut(port: number): Promise<Trouble> {
  const proxy = await startProxy(port)
  const clients = [new Redis(port), new Redis(proxy.port)] as const
  for (const client of clients) client.on('error', () => undefined)
  const traffic = open('deaf', { l2: redisTier(clients[0], { ...PATIENT, ...IMPATIENT, subscriber: clients[1] }) })
  return {
    traffic,
    alerts: ['TiercacheBusUntrusted'],
    round: () => traffic.hot(2),
    begin: () => proxy.refuse(),
    end: () => proxy.restore(),
    stop: async () => {
      for (const client of clients) client.disconnect()
      await proxy.stop()
    },
  }
}

function loadsFail(): Trouble {
  const traffic = open('failing')
  return {
    traffic,
    alerts: ['TiercacheLoadsFail'],
    round: (isTroubled) => traffic.read(traffic.newKey(), { fails: isTroubled }),
  }
}

function loadsAreSlow(): Trouble {
  const traffic = open('slow')
  return {
    traffic,
    alerts: ['TiercacheLoadsSlow'],
    round: (isTroubled) => traffic.read(traffic.newKey(), { loadMs: isTroubled ? 400 : 1 }),
  }
}

/** As after a release that changed the keys: what is cached is no longer asked for. */
function keysChange(): Trouble {
  const traffic = open('cold')
  return {
    traffic,
    alerts: ['TiercacheHitRatioFell'],
    round: (isTroubled) => (isTroubled ? traffic.read(traffic.newKey()) : traffic.hot(2)),
  }
}

function memoryIsSmall(): Trouble {
  const traffic = open('small', { l1: { maxEntries: 50 } })
  return {
    traffic,
    alerts: ['TiercacheL1Evictions'],
    round: async (isTroubled) => {
      await traffic.hot(4)
      if (isTroubled) for (let i = 0; i < 2; i++) await traffic.cache.set(traffic.newKey(), 1)
    },
  }
}

/** Keys are deleted while they are loaded. */
function deletesRace(): Trouble {
  const traffic = open('raced')
  return {
    traffic,
    alerts: ['TiercacheFillsRefused'],
    round: async (isTroubled) => {
      const key = traffic.newKey()
      const reading = traffic.read(key, { loadMs: 10 })
      if (isTroubled) await traffic.cache.delete(key)
      await reading
    },
  }
}

/** Half an hour passes between two reads of a key, on the clock of this cache. */
function valuesGrowOld(): Trouble {
  let passedMs = 0
  const clock: Clock = { ...systemClock, nowMs: () => systemClock.nowMs() + passedMs }
  const traffic = open('outdated', { clock, ttl: '10m', staleWhileRevalidate: '2h' })
  return {
    traffic,
    alerts: ['TiercacheStaleGrowsOld'],
    round: async (isTroubled) => {
      if (isTroubled) passedMs += HALF_AN_HOUR_MS
      await traffic.hot(1)
      await traffic.cache.drain()
    },
  }
}

/** Keeps every cache busy until `end()`. */
export class Rounds {
  isTroubled = false
  #isOver = false
  readonly #running: Promise<unknown>

  constructor(troubles: readonly Trouble[]) {
    this.#running = Promise.all(troubles.map((trouble) => this.#run(trouble)))
  }

  async end(): Promise<void> {
    this.#isOver = true
    await this.#running
  }

  async #run(trouble: Trouble): Promise<void> {
    while (!this.#isOver) {
      await trouble.round(this.isTroubled)
      await sleep(20)
    }
    await trouble.traffic.cache.drain()
  }
}

export const cachesOf = (troubles: readonly Trouble[]): readonly Cache[] => troubles.map(({ traffic }) => traffic.cache)
