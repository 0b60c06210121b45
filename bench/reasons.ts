// Why a figure is not reached, by workload, as a profile of it (`--profile`), a heap snapshot or the bundle's parts show. Shown only
// where it is not reached.
import type { Reasons } from './harness/tables.js'

const READ =
  'beside the socket and ioredis (more than a quarter of the time) stand a flight with its promises for each read (12 %), msgpack decoding ' +
  '(11 %), header and checksum (8 %), garbage collection (5 %)'
const MISS =
  'a miss is three operations on L2 (read, claim, conditional fill), each with a deadline of its own, and its load is followed through async ' +
  'calls to find cycles. With 64 in flight garbage collection takes 18 %, socket writes 11 %, ioredis 10 %, V8’s promise queue 7 %, async hooks ' +
  '(Node 20) 5 %; one at a time more than 40 % are socket writes'
const WRITE =
  'more than half of a set is encoding with its checks and the envelope (37 %), the order of calls per key, the log of invalidations and ' +
  'the outbox; garbage collection takes 9 %, ioredis, which gets the writes of a tick as one script, 6 %'

export const REASONS: Reasons = {
  'l2-64': READ,
  'l2-512': READ,
  'l2-2kb': READ,
  'l2-many': 'garbage collection takes 15 %, socket writes 13 %, ioredis 8 %, the reader 9 %, decoding 4 %',
  'miss-one': MISS,
  'miss-64': MISS,
  'set-64': WRITE,
  'set-64-bus': WRITE,
  heap: 'an entry object takes 120 B (12 fields), lru-cache 24 B; 80 B would leave room for four fields',
  'redis-bytes':
    'the header (stamp, checksum, times, the token of the scope) takes about 60 B; msgpack wins back about 36 B on JSON',
  'import-core': '165 kB of JavaScript (minified) are read and compiled',
  bundle:
    '165 kB minified, of which flow 64, codec 33, what users hold 21, lru-cache 19, options and errors 15; fences, journal, bus and an own ' +
    'codec are what the rivals do not have',
}
