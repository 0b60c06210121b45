// Workloads of several processes, or of a whole cache.
import { RIVALS } from '../peers/peers.js'
import { OURS } from './contenders.js'
import type { Workload } from './workload.js'

export const FLEET: readonly Workload[] = [
  {
    id: 'cold-key',
    group: 'fleet',
    title: '1,000 callers in 4 processes, cold key, 20 ms load',
    floor: '1 load, 20 ms',
    reach: 32,
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
    id: 'invalidate-tags',
    group: 'fleet',
    title: 'invalidateTags hitting 10,000 of 100,000 entries',
    floor: '',
    reach: 0.3,
    judged: 'absolute',
    unit: 'ms',
    drill: 'invalidation',
    params: { tiers: 'both', bus: true },
    contenders: [OURS, 'bentocache', 'cacheable'].map((peer) => ({ label: peer, peer })),
    rounds: 9,
  },
]
