// Workloads of several processes, or of a whole cache.
import { RIVALS } from '../peers/peers.js'
import { beside, OURS } from './contenders.js'
import type { Workload } from './workload.js'

const invalidation = {
  group: 'fleet',
  floor: '',
  judged: 'absolute',
  unit: 'ms',
  drill: 'invalidation',
  contenders: [OURS, 'bentocache', 'cacheable'].map((peer) => ({ label: peer, peer })),
  rounds: 9,
} as const

export const FLEET: readonly Workload[] = [
  {
    id: 'cold-key',
    group: 'fleet',
    title: '1,000 callers in 4 processes, cold key, 20 ms load',
    floor: '1 load, 20 ms',
    reach: 26,
    judged: 'absolute',
    unit: 'ms',
    drill: 'coldKey',
    params: { tiers: 'both', bus: true },
    contenders: [OURS, ...RIVALS.map((rival) => rival.name)].map((peer) => {
      const hasBoth = RIVALS.every((rival) => rival.name !== peer || rival.tiers.includes('both'))
      return { label: peer, peer, params: hasBoth ? {} : { tiers: 'l2' as const, bus: false } }
    }),
    rounds: 15,
  },
  {
    ...invalidation,
    id: 'invalidate-tags',
    title: 'invalidateTags hitting 10,000 of 100,000 entries, with bus',
    reach: 0.45,
    params: { tiers: 'both', bus: true },
  },
  {
    ...invalidation,
    id: 'invalidate-tags-no-bus',
    title: 'invalidateTags hitting 10,000 of 100,000 entries, without bus',
    reach: 0.3,
    params: { tiers: 'both', bus: false },
  },
  {
    id: 'l2-fleet',
    group: 'fleet',
    title: 'L2 hits of 4 processes, 64 in flight in each, with bus',
    floor: 'ioredis GET + JSON.parse in 4 processes',
    // 1.8 times the reads of plain ioredis.
    reach: 0.56,
    judged: 'ratio',
    unit: 'ns',
    drill: 'hits',
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 64 },
    contenders: beside('floor: ioredis', 'l2').map((one) =>
      one.peer === OURS ? { ...one, params: { bus: true } } : one,
    ),
    processes: 4,
    sliceMs: 150,
  },
]
