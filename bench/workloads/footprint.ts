// The size of a cache on the heap and in Redis. Import times and bundles are measured by harness/import-times.ts and bundles.ts.
import { RIVALS } from '../peers/peers.js'
import { OURS } from './contenders.js'
import type { Workload } from './workload.js'

const once = { group: 'footprint', judged: 'absolute', unit: 'bytes', rounds: 1 } as const
const names = (tiers: 'l1' | 'l2') => [
  OURS,
  ...RIVALS.filter((rival) => rival.tiers.includes(tiers)).map((rival) => rival.name),
]

export const FOOTPRINT: readonly Workload[] = [
  {
    ...once,
    id: 'heap',
    title: 'heap per L1 entry beyond a Map’s',
    floor: 'lru-cache + ttl',
    reach: 100,
    drill: 'heap',
    params: { tiers: 'l1', entries: 100_000 },
    contenders: ['floor: lru-cache', ...names('l1')].map((peer) => ({ label: peer, peer })),
  },
  {
    ...once,
    id: 'redis-bytes',
    title: 'Redis bytes per entry (MEMORY USAGE)',
    floor: 'JSON',
    reach: 280,
    drill: 'redisBytes',
    params: { tiers: 'l2', entries: 1_000 },
    contenders: ['floor: ioredis', ...names('l2')].map((peer) => ({ label: peer, peer })),
  },
]
