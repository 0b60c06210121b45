// Hits in Redis, misses and writes.
import { beside, besideOwnUntagged, OURS } from './contenders.js'
import type { Contender, Workload } from './workload.js'

const FLOOR = 'floor: ioredis'
const MGET = 'floor: ioredis, MGET per tick'
const READ_FLOOR = 'ioredis GET + JSON.parse'
const MISS_FLOOR = 'GET, load, SET'
const read = { group: 'redis-read', judged: 'ratio', unit: 'ns', drill: 'hits', sliceMs: 150 } as const
const write = { group: 'redis-write', judged: 'ratio', unit: 'ns', drill: 'writes', sliceMs: 150 } as const

const readers = beside(FLOOR, 'l2')
const readersAndMget: readonly Contender[] = [...readers, { label: MGET, peer: MGET }]

export const REDIS: readonly Workload[] = [
  {
    ...read,
    id: 'l2-one',
    title: 'L2 hit, one at a time, p50',
    floor: READ_FLOOR,
    reach: 1.08,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 1 },
    contenders: readers,
  },
  {
    ...read,
    id: 'l2-64',
    title: 'L2 hit, 64 in flight',
    floor: READ_FLOOR,
    reach: 0.5,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 64 },
    contenders: readersAndMget,
  },
  {
    ...read,
    id: 'l2-512',
    title: 'L2 hit, 512 in flight',
    floor: READ_FLOOR,
    reach: 0.45,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 512 },
    contenders: readersAndMget,
  },
  {
    ...read,
    id: 'l2-2kb',
    title: 'L2 hit, 2 KB, 64 in flight',
    floor: READ_FLOOR,
    reach: 0.7,
    params: { tiers: 'l2', entries: 2_000, valueBytes: 2_000, draw: 'each', inFlight: 64 },
    contenders: readersAndMget,
  },
  {
    ...read,
    id: 'l2-50kb',
    title: 'L2 hit, 50 KB, one at a time, p50',
    floor: READ_FLOOR,
    reach: 0.8,
    params: { tiers: 'l2', entries: 200, valueBytes: 50_000, draw: 'each', inFlight: 1 },
    contenders: readers,
  },
  {
    ...read,
    id: 'l2-many',
    title: 'getMany of 100 from L2',
    floor: 'MGET + parse',
    reach: 1.5,
    drill: 'readMany',
    params: { tiers: 'l2', entries: 10_000 },
    contenders: beside(FLOOR, 'l2', ['bentocache', 'cachified', 'async-cache-dedupe']),
  },
  {
    ...read,
    id: 'l2-tags',
    title: 'L2 hit of an entry with 10 tags, tokens known',
    floor: 'own untagged',
    reach: 1.1,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 1 },
    contenders: besideOwnUntagged([10], [OURS, 'bentocache', 'cacheable', 'async-cache-dedupe']),
  },
  {
    ...write,
    id: 'miss-one',
    title: 'miss, one at a time, p50',
    floor: MISS_FLOOR,
    reach: 1.15,
    drill: 'misses',
    params: { tiers: 'l2', inFlight: 1 },
    contenders: readers,
  },
  {
    ...write,
    id: 'miss-64',
    title: 'miss, 64 in flight, fences on',
    floor: MISS_FLOOR,
    reach: 1.05,
    drill: 'misses',
    params: { tiers: 'l2', inFlight: 64 },
    contenders: readers,
  },
  {
    ...write,
    id: 'set-64',
    title: 'set, 64 in flight, without bus',
    floor: 'SET PX',
    reach: 1.1,
    params: { tiers: 'l2', entries: 10_000, inFlight: 64 },
    contenders: beside(FLOOR, 'l2', ['async-cache-dedupe']),
  },
  {
    ...write,
    id: 'set-64-bus',
    title: 'set, 64 in flight, with bus',
    floor: 'SET PX',
    reach: 1.3,
    params: { tiers: 'both', entries: 10_000, inFlight: 64, bus: true },
    contenders: [
      { label: FLOOR, peer: FLOOR, params: { tiers: 'l2', bus: false } },
      ...[OURS, 'bentocache', 'layered-loader'].map((peer) => ({ label: peer, peer })),
    ],
  },
  {
    ...write,
    id: 'set-tags',
    title: 'set with two tags, 64 in flight',
    floor: 'own plain set',
    reach: 1.05,
    params: { tiers: 'l2', entries: 10_000, draw: 'each', inFlight: 64 },
    contenders: besideOwnUntagged([2], [OURS, 'bentocache', 'cacheable']),
  },
]
