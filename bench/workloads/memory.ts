// Hits in memory.
import { beside, besideOwnUntagged, OURS } from './contenders.js'
import type { Workload } from './workload.js'

const FLOOR = 'floor: lru-cache'
const floor = 'lru-cache + ttl + promise'
const l1 = { group: 'memory', judged: 'ratio', unit: 'ns', drill: 'hits' } as const

export const MEMORY: readonly Workload[] = [
  {
    ...l1,
    id: 'l1-hot',
    title: 'L1 hit through getOrSet, hot key',
    floor,
    reach: 0.8,
    params: { tiers: 'l1', entries: 100_000, draw: 'hot' },
    contenders: beside(FLOOR, 'l1'),
  },
  {
    ...l1,
    id: 'l1-zipf',
    title: 'L1 hit through getOrSet, zipf over 10,000 of 100,000',
    floor,
    reach: 0.95,
    params: { tiers: 'l1', entries: 100_000, draw: 'zipf' },
    contenders: beside(FLOOR, 'l1'),
  },
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
    reach: 1.5,
    drill: 'peek',
    params: { tiers: 'l1', entries: 100_000, draw: 'zipf' },
    contenders: beside(FLOOR, 'l1', ['bentocache', 'cacheable', 'cache-manager', 'cachified', 'async-cache-dedupe']),
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
    reach: 1.6,
    drill: 'readMany',
    params: { tiers: 'l1', entries: 10_000 },
    contenders: beside(FLOOR, 'l1', ['bentocache', 'cachified', 'async-cache-dedupe']),
  },
]
