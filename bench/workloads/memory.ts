// Hits in memory.
import type { Face } from '../peers/peer.js'
import { beside, besideInBoth, besideOwnRoot, besideOwnUntagged, OURS, OURS_OVER_L2 } from './contenders.js'
import type { Workload } from './workload.js'

const FLOOR = 'floor: lru-cache'
const floor = 'lru-cache + ttl + promise'
const REACH = 0.95
const l1 = { group: 'memory', judged: 'ratio', unit: 'ns', drill: 'hits' } as const
/** What a hit through another face may cost, as a multiple of one of the cache itself. */
const FACES: readonly { face: Face; reach: number }[] = [
  { face: 'namespace', reach: 1.3 },
  { face: 'wrap', reach: 2 },
  { face: 'source', reach: 2 },
]

export const MEMORY: readonly Workload[] = [
  {
    ...l1,
    id: 'l1-hot',
    title: 'L1 hit through getOrSet, hot key',
    floor,
    reach: REACH,
    params: { tiers: 'l1', entries: 100_000, draw: 'hot' },
    contenders: beside(FLOOR, 'l1'),
  },
  ...overL2('l1-hot', 'L1 hit, hot key', 'hot'),
  {
    ...l1,
    id: 'l1-zipf',
    title: 'L1 hit through getOrSet, zipf over 10,000 of 100,000',
    floor,
    reach: REACH,
    params: { tiers: 'l1', entries: 100_000, draw: 'zipf' },
    contenders: beside(FLOOR, 'l1'),
  },
  ...overL2('l1-zipf', 'L1 hit, zipf over 10,000', 'zipf'),
  ...FACES.map(
    ({ face, reach }): Workload => ({
      ...l1,
      id: `l1-${face}`,
      title: `L1 hit through a ${face}, zipf over 10,000`,
      floor: 'own hit of the cache itself',
      reach,
      params: { tiers: 'l1', entries: 10_000, draw: 'zipf' },
      contenders: besideOwnRoot(face),
    }),
  ),
  {
    ...l1,
    id: 'l1-tags',
    title: 'the same with 1, 3, 10 tags',
    floor: 'own untagged hit',
    reach: 1.1,
    // cacheable stores a record of tags beside each entry, bentocache one for each tag, both in the space of the entries.
    params: { tiers: 'l1', entries: 10_000, room: 20_100, draw: 'zipf' },
    contenders: besideOwnUntagged([1, 3, 10], [OURS, 'bentocache', 'cacheable', 'async-cache-dedupe'], 10),
  },
  {
    ...l1,
    id: 'l1-peek',
    title: 'peek',
    floor: 'lru-cache get',
    reach: 1.3,
    drill: 'peek',
    params: { tiers: 'l1', entries: 100_000, draw: 'zipf' },
    contenders: beside(FLOOR, 'l1', [
      'bentocache',
      'cacheable',
      'cache-manager',
      'cachified',
      'async-cache-dedupe',
    ]).concat(OURS_OVER_L2),
  },
  {
    ...l1,
    id: 'l1-50kb',
    title: 'L1 hit, 50 KB object',
    floor,
    reach: 1,
    params: { tiers: 'l1', entries: 1_000, draw: 'zipf', valueBytes: 50_000 },
    contenders: beside(FLOOR, 'l1'),
  },
  {
    ...l1,
    id: 'l1-million',
    title: 'L1 hit at 1 M entries',
    floor,
    reach: 1,
    params: { tiers: 'l1', entries: 1_000_000, draw: 'zipf' },
    // The others take minutes to store a million entries. Their hits do not depend on the number of entries.
    contenders: beside(FLOOR, 'l1', ['bentocache', 'cacheable', 'cache-manager', 'cachified']),
  },
  {
    ...l1,
    id: 'l1-many',
    title: 'getMany of 100, all in L1',
    floor: '100 lru-cache gets',
    reach: 1.2,
    drill: 'readMany',
    params: { tiers: 'l1', entries: 10_000 },
    contenders: beside(FLOOR, 'l1', ['bentocache', 'cachified', 'async-cache-dedupe']).concat(OURS_OVER_L2),
  },
]

/** A workload of memory again with Redis behind it, as services run it. */
function overL2(id: string, title: string, draw: 'hot' | 'zipf'): readonly Workload[] {
  return [true, false].map((bus) => ({
    ...l1,
    id: `${id}-${bus ? 'bus' : 'no-bus'}`,
    title: `${title}, L2 ${bus ? 'with' : 'without'} bus`,
    floor,
    reach: REACH,
    params: { tiers: 'both', entries: 10_000, draw },
    contenders: besideInBoth(FLOOR, bus),
  }))
}
