// Why a figure is not reached, by workload, as its profile (`node --cpu-prof` of the worker, heap snapshots) shows. Shown only
// where it is not reached.
import type { Reasons } from './harness/tables.js'

const BUSY = 'no, in a run on a machine busy with other work: see the width of the middle half'
const READ =
  'no: beside the socket and ioredis (more than a quarter of the time) stand a flight with its promises for each read (12 %), msgpack decoding ' +
  '(11 %), header and checksum (8 %), garbage collection (5 %)'
const MISS =
  'no: a miss is three operations on L2 (read, claim, conditional fill), each with a deadline of its own, and its load is followed through async ' +
  'calls to find cycles. With 64 in flight garbage collection takes 18 %, socket writes 11 %, ioredis 10 %, V8’s promise queue 7 %, async hooks ' +
  '(Node 20) 5 %; one at a time more than 40 % are socket writes'
const WRITE =
  'no: more than half of a set is encoding with its checks and the envelope (37 %), the order of calls per key, the log of invalidations and ' +
  'the outbox; garbage collection takes 9 %, ioredis, which gets the writes of a tick as one script, 6 %'

export const REASONS: Reasons = {
  'l1-hot': BUSY,
  'l1-zipf': BUSY,
  'l1-tags': BUSY,
  'l1-peek': BUSY,
  'l1-50kb': BUSY,
  'l1-million': BUSY,
  'l1-many': 'no: `getMany` makes a result object for each key and answers through two promises more; not profiled yet',
  'l2-one': 'no: one read alone gains nothing from being sent together with others; not profiled yet',
  'l2-64': READ,
  'l2-512': READ,
  'l2-2kb': READ,
  'l2-50kb': 'no; not profiled yet',
  'l2-many': 'no: garbage collection takes 15 %, socket writes 13 %, ioredis 8 %, the reader 9 %, decoding 4 %',
  'l2-tags': BUSY,
  'miss-one': MISS,
  'miss-64': MISS,
  'set-64': WRITE,
  'set-64-bus': WRITE,
  'set-tags': BUSY,
  'cold-key':
    'no: the waiters of other processes look every 2 to 10 ms whether the lease is gone, the load takes 20 ms, and the machine was busy',
  'invalidate-tags': 'no: one script does it, and the time is that of one round trip on a busy machine',
  heap: 'no: an entry object takes 120 B (12 fields), lru-cache 24 B; 80 B would leave room for four fields',
  'redis-bytes':
    'no: the header (stamp, checksum, times, the token of the scope) takes about 60 B; msgpack wins back about 36 B on JSON',
  'import-core': 'no: 165 kB of JavaScript (minified) are read and compiled',
  'import-redis': BUSY,
  bundle:
    'no: 165 kB minified, of which flow 64, codec 33, what users hold 21, lru-cache 19, options and errors 15; fences, journal, bus and an own ' +
    'codec are what the rivals do not have',
}
