// What a message of the bus costs, from measured fleets: the figures on which the simulation stands.
import { Redis } from 'ioredis'
import type { RedisServer } from '../../test/support/redis-server.js'
import type { BusCosts } from './bus-costs.js'
import { fitTwo } from './fit.js'
import type { FleetResult, PhaseResult } from './measure.js'
import { between, countsOf } from './servers.js'

type Delivery = Pick<BusCosts, 'deliveryUs' | 'deliveryBytes'>

const READS = 400
const FEW = 1
const MANY = 500
const LINK_US = 100
const MANY_PROCESSES = 4

/** Reads few and many messages of the stream that a fleet left. The difference is what a message costs in a reply. */
export async function measureDelivery(server: RedisServer): Promise<Delivery> {
  const redis = new Redis(server.port, '127.0.0.1')
  try {
    const [, [key] = []] = await redis.scan('0', 'COUNT', 1_000_000, 'TYPE', 'stream')
    if (key === undefined || (await redis.xlen(key)) < MANY)
      throw new Error(`the fleet left no stream of ${MANY} messages`)
    const read = async (count: number) => {
      const before = await countsOf(server)
      for (let i = 0; i < READS; i++) await redis.xreadBuffer('COUNT', count, 'STREAMS', key, '0')
      return between(before, await countsOf(server))
    }
    await read(MANY)
    const [few, many] = [await read(FEW), await read(MANY)]
    const more = READS * (MANY - FEW)
    return {
      deliveryUs: ((many.cpuMs - few.cpuMs) * 1_000) / more,
      deliveryBytes: (many.sentBytes - few.sentBytes) / more,
    }
  } finally {
    redis.disconnect()
  }
}

/** Fits the other costs to the paced phases of all sizes: there one invalidation is one message. */
export function fitCosts(fleets: readonly FleetResult[], delivery: Delivery): BusCosts {
  const paced = fleets.flatMap(({ processes, phases }) =>
    phases.filter(({ work }) => work === 'paced').map((phase) => ({ ...phase, processes })),
  )
  const heard = (one: PhaseResult & { processes: number }) => one.messages * one.processes
  const redisUs = paced.map((one) => one.redisCpuMs * 1_000 - heard(one) * delivery.deliveryUs)
  const [appendUs, roundUs] = fitTwo(
    paced.map((one) => [one.messages, one.rounds]),
    redisUs,
  )
  // With fewer processes the cost of sending is a large part, and it belongs to one of them.
  const many = paced.filter((one) => one.processes >= MANY_PROCESSES)
  const [turnUs, hearUs] = fitTwo(
    many.map((one) => [one.rounds, heard(one)]),
    many.map((one) => one.processCpuMs * 1_000),
  )
  return { ...delivery, appendUs, roundUs, turnUs, hearUs, linkUs: LINK_US }
}
