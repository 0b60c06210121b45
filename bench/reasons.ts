// Why a figure is not reached, by workload, as a profile of it (`--profile`), a heap snapshot or the bundle's parts show. Shown only
// where it is not reached.
import type { Reasons } from './harness/tables.js'

const READ =
  'a flight with its promises for each read (`src/flow`, 19 %) and the garbage that it leaves (29 %) cost more than the commands saved; socket ' +
  'writes take 13 %, decoding with header and checksum 12 %, ioredis 4 %'
const WRITE =
  'the order of calls per key, the log of invalidations and the outbox (`src/flow`) take 21 %, encoding with its checks and the envelope 20 %, ' +
  'socket writes 16 %, garbage collection 13 %, ioredis 6 %'

export const REASONS: Reasons = {
  'l1-many':
    'a third is lru-cache itself (29 %), as in the floor; `src/flow` takes 30 %, checking and joining each key with its scope 13 %, the list of ' +
    'answers 9 %',
  'l2-one':
    'one read alone gains nothing from being sent with others: half of it is the write to the socket (49 %), as in the floor',
  'l2-64': READ,
  'l2-512': READ,
  'l2-2kb': READ,
  'l2-50kb': 'decoding takes 28 %, socket writes 26 %, copying and text of Node 22 %, `src/flow` 5 %',
  'l2-many': 'decoding takes 25 %, socket writes 22 %, ioredis 9 %, `src/flow` 9 %, garbage collection 7 %',
  'miss-one':
    'a miss is a read, a claim and a conditional fill, each a round trip: 42 % are socket writes; `src/flow` takes 10 %, following async calls to ' +
    'find cycles (async hooks of Node 20) 3 %',
  'miss-64':
    'a miss is a read, a claim and a conditional fill: `src/flow` takes 18 %, garbage collection 14 %, socket writes 10 %, V8’s promise queue 8 %, ' +
    'scripts 7 %, encoding 6 %, following async calls to find cycles (async hooks of Node 20) 5 %, ioredis 5 %',
  'set-64': WRITE,
  'set-64-bus': `as without a bus, and each write is logged and announced: ${WRITE}`,
  heap: 'an entry object takes 120 B (12 fields), lru-cache 24 B; 80 B would leave room for four fields',
  'redis-bytes':
    'the header (stamp, checksum, times, the token of the scope) takes about 60 B; msgpack wins back about 36 B on JSON',
  'import-core': '165 kB of JavaScript (minified) are read and compiled',
  bundle:
    '165 kB minified, of which flow 64, codec 33, what users hold 21, lru-cache 19, options and errors 15; fences, journal, bus and an own ' +
    'codec are what the rivals do not have',
}
