// Promises per call: the garbage of a read that no clock shows.
import { beside } from './contenders.js'
import type { Workload } from './workload.js'

const counted = {
  group: 'promises',
  floor: 'ioredis GET + JSON.parse',
  judged: 'absolute',
  unit: 'promises',
  drill: 'promisesPerHit',
  contenders: beside('floor: ioredis', 'l2'),
  rounds: 1,
} as const

export const PROMISES: readonly Workload[] = [
  {
    ...counted,
    id: 'promises-l2-one',
    title: 'promises per L2 hit, one at a time',
    reach: 7,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 1 },
  },
  {
    ...counted,
    id: 'promises-l2-64',
    title: 'promises per L2 hit, 64 in flight',
    reach: 2.1,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 64 },
  },
  {
    ...counted,
    id: 'promises-miss-64',
    title: 'promises per miss, 64 in flight',
    floor: 'GET, load, SET',
    reach: 4.3,
    drill: 'promisesPerMiss',
    params: { tiers: 'l2', inFlight: 64 },
  },
]
