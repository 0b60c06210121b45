// A fleet of any size on one stream, simulated: one thread of Redis, which appends messages and answers the processes in turn, and
// processes that ask again once they have applied what they were told. A process that was away gets many messages in one reply.
import { generator } from '../worker/draw.js'
import type { BusCosts } from './costs.js'
import { EventQueue } from './event-queue.js'
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

export function simulate({ processes, perSecond, seconds, costs }: SimulateOptions): Simulated {
  const random = generator(SEED)
  const endUs = seconds * 1e6
  const events = new EventQueue()
  const sentAtUs: number[] = []
  const seen = new Uint32Array(processes)
  const lags = new Lags()
  const waits = new Lags()
  let blocked: number[] = []
  let redisFreeAtUs = 0
  let redisBusyUs = 0
  let replies = 0

  const work = (atUs: number, tookUs: number): number => {
    redisFreeAtUs = Math.max(atUs, redisFreeAtUs) + tookUs
    redisBusyUs += tookUs
    return redisFreeAtUs
  }
  const reply = (process: number, atUs: number): void => {
    const from = seen[process] as number
    const count = sentAtUs.length - from
    seen[process] = sentAtUs.length
    const doneUs = work(atUs, costs.roundUs + count * costs.deliveryUs) + costs.linkUs + count * costs.hearUs
    for (let i = from; i < sentAtUs.length; i++) lags.add(doneUs - (sentAtUs[i] as number))
    replies++
    events.add(doneUs + costs.linkUs, process)
  }

  const gapUs = () => (-Math.log(1 - random()) * 1e6) / perSecond
  for (let process = 0; process < processes; process++) blocked.push(process)
  let nextMessageUs = gapUs()
  for (;;) {
    const request = events.peek()
    const atUs = Math.min(nextMessageUs, request?.atUs ?? Number.POSITIVE_INFINITY)
    if (atUs > endUs) break
    if (atUs === nextMessageUs) {
      const arrivedUs = atUs + costs.linkUs
      waits.add(redisFreeAtUs - arrivedUs)
      const appendedUs = work(arrivedUs, costs.appendUs)
      sentAtUs.push(atUs)
      const waiting = blocked
      blocked = []
      for (const process of waiting) reply(process, appendedUs)
      nextMessageUs += gapUs()
    } else {
      const { process } = events.take()
      if ((seen[process] as number) < sentAtUs.length) reply(process, atUs)
      else blocked.push(process)
    }
  }
  return {
    processes,
    perSecond,
    leastShare: (perSecond * (costs.appendUs + processes * costs.deliveryUs)) / 1e6,
    redisShare: redisBusyUs / Math.max(endUs, redisFreeAtUs),
    waitP99Ms: waits.quantileUs(0.99) / 1_000,
    lagP50Ms: lags.quantileUs(0.5) / 1_000,
    lagP99Ms: lags.quantileUs(0.99) / 1_000,
    perReply: lags.count / Math.max(1, replies),
    sentMbPerSecond: (lags.count * costs.deliveryBytes) / seconds / 1e6,
    processShare: ((lags.count / processes / seconds) * costs.hearUs) / 1e6,
  }
}
