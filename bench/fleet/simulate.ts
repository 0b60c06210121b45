// A fleet of any size on one stream, simulated: one thread of Redis, which appends messages and answers the processes in turn, and
// processes that ask again once they have applied what they were told. A process that was away gets many messages in one reply.
import { mulberry32 } from '../../test/support/random.js'
import type { BusCosts } from './bus-costs.js'
import { EventQueue, type Request } from './event-queue.js'
import { Lags } from './lags.js'

export interface SimulateOptions {
  readonly processes: number
  /** Messages a second of the whole fleet. */
  readonly perSecond: number
  readonly seconds: number
  readonly costs: BusCosts
}

export interface Simulated {
  readonly processes: number
  readonly perSecond: number
  /** The share of the thread of Redis that the bus needs at the least: appending, and delivering in replies as large as can be. */
  readonly leastShare: number
  /** The share that it takes: what is left over goes into smaller replies. */
  readonly redisShare: number
  /** How long a command of somebody else waits for the bus. */
  readonly waitP99Ms: number
  readonly lagP50Ms: number
  readonly lagP99Ms: number
  /** Messages per reply. */
  readonly perReply: number
  readonly sentMbPerSecond: number
  /** The share of one core that each process needs to hear the bus. */
  readonly processShare: number
}

const SEED = 11
const SECONDS = 3
const SIZES = [10, 50, 100, 200, 500, 1_000, 2_000, 5_000]
const RATES = [100, 500, 1_000, 2_000]
/** Half of the thread of Redis is left for reads and writes. */
const MOST_REDIS_SHARE = 0.5
const MOST_PROCESS_SHARE = 0.25
/** A tenth of the default `timeout` of L2. */
const MOST_WAIT_MS = 20
const MOST_LAG_MS = 1_000

/** Whether Redis has time for reads, which do not wait long, processes have time for requests, and messages arrive within a second. */
export function holds(one: Simulated): boolean {
  return (
    one.leastShare <= MOST_REDIS_SHARE &&
    one.processShare <= MOST_PROCESS_SHARE &&
    one.waitP99Ms <= MOST_WAIT_MS &&
    one.lagP99Ms <= MOST_LAG_MS
  )
}

/** Fleets of up to `largest` processes at several rates, or at one. */
export function simulateUpTo(largest: number, costs: BusCosts, rate?: number): Simulated[] {
  const sizes = [...SIZES.filter((size) => size < largest), largest]
  const rates = rate === undefined ? RATES : [rate]
  return sizes.flatMap((processes) =>
    rates.map((perSecond) => simulate({ processes, perSecond, seconds: SECONDS, costs })),
  )
}

export function simulate(options: SimulateOptions): Simulated {
  const simulation = new Simulation(options)
  simulation.run()
  return simulation.result()
}

class Simulation {
  readonly #options: SimulateOptions
  readonly #random = mulberry32(SEED)
  readonly #requests = new EventQueue()
  /** By message, in the order of the stream. */
  readonly #sentAtUs: number[] = []
  /** By process: how many messages it was told. */
  readonly #told: Uint32Array
  /** Processes that wait for the next message. */
  #blocked: number[]
  readonly #lags = new Lags()
  readonly #waits = new Lags()
  #redisFreeAtUs = 0
  #redisBusyUs = 0
  #replies = 0

  constructor(options: SimulateOptions) {
    this.#options = options
    this.#told = new Uint32Array(options.processes)
    this.#blocked = Array.from({ length: options.processes }, (_, process) => process)
  }

  run(): void {
    const endUs = this.#options.seconds * 1e6
    let sendAtUs = this.#gapUs()
    for (;;) {
      const requestAtUs = this.#requests.peek()?.atUs ?? Number.POSITIVE_INFINITY
      if (Math.min(sendAtUs, requestAtUs) > endUs) return
      if (sendAtUs <= requestAtUs) {
        this.#send(sendAtUs)
        sendAtUs += this.#gapUs()
      } else this.#ask(this.#requests.take())
    }
  }

  result(): Simulated {
    const { processes, perSecond, seconds, costs } = this.#options
    const { appendUs, deliveryUs, deliveryBytes, turnUs, hearUs } = costs
    const deliveries = this.#lags.count
    return {
      processes,
      perSecond,
      leastShare: (perSecond * (appendUs + processes * deliveryUs)) / 1e6,
      redisShare: this.#redisBusyUs / Math.max(seconds * 1e6, this.#redisFreeAtUs),
      waitP99Ms: this.#waits.quantileUs(0.99) / 1_000,
      lagP50Ms: this.#lags.quantileUs(0.5) / 1_000,
      lagP99Ms: this.#lags.quantileUs(0.99) / 1_000,
      perReply: deliveries / Math.max(1, this.#replies),
      sentMbPerSecond: (deliveries * deliveryBytes) / seconds / 1e6,
      processShare: (this.#replies * turnUs + deliveries * hearUs) / processes / seconds / 1e6,
    }
  }

  /** A message arrives and is appended. Who waited for it is told at once, one after another. */
  #send(atUs: number): void {
    const { appendUs, linkUs } = this.#options.costs
    const arrivedUs = atUs + linkUs
    this.#waits.add(this.#redisFreeAtUs - arrivedUs)
    const appendedUs = this.#work(arrivedUs, appendUs)
    this.#sentAtUs.push(atUs)
    const waiting = this.#blocked
    this.#blocked = []
    for (const process of waiting) this.#reply(process, appendedUs)
  }

  #ask({ process, atUs }: Request): void {
    if ((this.#told[process] as number) < this.#sentAtUs.length) this.#reply(process, atUs)
    else this.#blocked.push(process)
  }

  #reply(process: number, atUs: number): void {
    const { roundUs, deliveryUs, linkUs, turnUs, hearUs } = this.#options.costs
    const from = this.#told[process] as number
    const count = this.#sentAtUs.length - from
    this.#told[process] = this.#sentAtUs.length
    const heardUs = this.#work(atUs, roundUs + count * deliveryUs) + linkUs + turnUs + count * hearUs
    for (let i = from; i < this.#sentAtUs.length; i++) this.#lags.add(heardUs - (this.#sentAtUs[i] as number))
    this.#replies++
    this.#requests.add(heardUs + linkUs, process)
  }

  /** Returns when Redis has done this, after everything that arrived before. */
  #work(atUs: number, tookUs: number): number {
    this.#redisFreeAtUs = Math.max(atUs, this.#redisFreeAtUs) + tookUs
    this.#redisBusyUs += tookUs
    return this.#redisFreeAtUs
  }

  #gapUs(): number {
    return (-Math.log(1 - this.#random()) * 1e6) / this.#options.perSecond
  }
}
