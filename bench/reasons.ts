// Why a target is not reached, by workload, according to a profile (`--profile`), a heap snapshot or the parts of a bundle. Shown only
// if the target is not reached.
import type { Reasons } from './harness/tables.js'

const READ =
  'a flight with its promises for each read (`src/flow` 25 %, promise queue 5 %) and the garbage that it leaves (22 %) cost more than the commands ' +
  'saved; decoding with header and checksum takes 17 %, ioredis 5 %, socket writes 5 %'
const WRITE =
  'encoding with its checks and the envelope takes 31 %, the order of calls per key, the log of invalidations and the outbox (`src/flow`) 23 %, ' +
  'ioredis 7 %, garbage collection 7 %, socket writes 7 %'

export const REASONS: Reasons = {
  'l1-hot':
    'the middle half reaches it and the median does not: the hit itself (`src/flow`) takes 20 %, lru-cache 11 %, the loop that measures 35 %',
  'l1-tags':
    'with 1 and 3 tags it is reached; a hit compares one number however many tags there are, and the middle half is wide',
  'l1-peek': 'lru-cache takes 48 %, the check of epoch, trust and age with a look at the clock 32 %',
  'l1-million':
    'lru-cache takes 47 % (as in the floor: its look-ups leave the processor’s caches), the loop that measures 32 %, our own code 12 %',
  'l1-many':
    'a quarter is lru-cache itself (27 %), as in the floor; `src/flow` takes 33 %, joining each key with its scope 14 %, the list of answers 9 %',
  'l2-one':
    'one read alone gains nothing from being sent with others: half of it is the write to the socket (49 %), as in the floor',
  'l2-64': READ,
  'l2-512': READ,
  'l2-2kb': READ,
  'l2-50kb': 'decoding takes 28 %, socket writes 26 %, copying and text of Node 22 %, `src/flow` 5 %',
  'l2-many':
    'decoding with header and checksum takes 44 % (JSON.parse is native code), `src/flow` 13 %, Node 11 %, ioredis 6 %, socket writes 3 %',
  'miss-64':
    'a miss is a claim and a conditional fill with a lease, a fence and a checksum: `src/flow` takes 21 %, encoding and header 16 %, ioredis 9 %, ' +
    'V8’s promise queue 9 %, garbage collection 8 %, socket writes 4 %',
  'set-64': WRITE,
  'set-64-bus': `as without a bus, and each write is logged and announced: ${WRITE}`,
  'cold-key':
    'the load takes 20 ms, and the waiters of other processes look every 2 to 10 ms whether its lease is gone; the rivals load once in each process',
  'invalidate-tags':
    'one script in one round trip, timed as a single call; what of it is spent where a profile of so few calls does not show',
  heap: 'an entry object takes 120 B (12 fields), lru-cache 24 B; 80 B would leave room for four fields',
  'redis-bytes':
    'the header (stamp, checksum, times, the token of the scope) takes about 60 B; msgpack wins back about 36 B on JSON',
  'import-redis': 'the Redis tier brings the core with it: 173 kB of JavaScript (minified) beside ioredis',
  bundle:
    '173 kB minified, of which flow 69, codec 33, what users hold 21, lru-cache 19, options and errors 16, tiers 10; fences, journal, bus and the copy ' +
    'of msgpackr with its checks are what the rivals do not have',
}
