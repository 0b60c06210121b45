// What INFO, the clock and the latency of a server mean for a cache. Pure.
import { plural, safeText, sizeText, spanText } from '../output/text.js'
import { type Finding, found } from './finding.js'
import { type Info, kindOf } from './info.js'

/** All findings of one server's INFO. `isCluster`: the command was told that it is a node of a cluster. */
export function checkInfo(info: Info, isCluster: boolean): readonly Finding[] {
  return [versionOf(info), modeOf(info, isCluster), memoryOf(info), ...persistenceOf(info), ...replicationOf(info)]
}

const OLDEST = { Redis: [7, 0], Valkey: [7, 2] } as const

function versionOf(info: Info): Finding {
  const { product, version } = kindOf(info)
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor, oldestMinor] = OLDEST[product]
  const text = `${product} ${safeText(version)}`
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return found('ok', 'version', text)
  return {
    ...found('wrong', 'version', `${text} is too old for the commands that the cache sends`),
    fix: 'Update to Redis 7.0 or Valkey 7.2 at least',
  }
}

function modeOf(info: Info, isCluster: boolean): Finding {
  const { mode } = kindOf(info)
  if (mode === 'sentinel') {
    return { ...found('wrong', 'kind', 'this is a sentinel'), fix: 'Give --url with the address of the master' }
  }
  if ((mode === 'cluster') === isCluster)
    return found('ok', 'kind', isCluster ? 'a node of a cluster' : 'a single server')
  return mode === 'cluster'
    ? {
        ...found('wrong', 'kind', 'the server is a node of a cluster, and was used as a single server'),
        fix: 'Add --cluster here, and use new Cluster([...]) or { cluster: [...] } in the services',
      }
    : { ...found('wrong', 'kind', 'the server is not a cluster'), fix: 'Leave out --cluster' }
}

/** What the limit of memory and the policy of eviction mean for a cache. */
function memoryOf(info: Info): Finding {
  const policy = info.maxmemory_policy ?? 'unknown'
  const limit = Number(info.maxmemory ?? 0)
  const used = `${sizeText(Number(info.used_memory ?? 0))} used`
  if (limit === 0) {
    return {
      ...found(
        'warning',
        'memory',
        `${used}, no limit: entries leave only when they expire, and the machine may run out of memory`,
      ),
      fix: 'Set maxmemory, and maxmemory-policy allkeys-lru if this Redis holds nothing but caches',
    }
  }
  const text = `${used} of ${sizeText(limit)}, ${safeText(policy)}`
  if (policy === 'noeviction') {
    return {
      ...found(
        'warning',
        'memory',
        `${text}: once it is full, Redis refuses new values. Invalidations still work, and every miss is loaded`,
      ),
      fix: 'Set maxmemory-policy allkeys-lru if this Redis holds nothing but caches; else volatile-lru, or raise maxmemory',
    }
  }
  const meaning = policy.startsWith('volatile-')
    ? 'what has an expiry is evicted, which every entry has; an evicted entry or token is a miss'
    : 'what is used least is evicted; an evicted entry or token is a miss, never an old value'
  return found('ok', 'memory', `${text}: ${meaning}`)
}

function persistenceOf(info: Info): readonly Finding[] {
  if (info.loading === '1') {
    return [
      {
        ...found('wrong', 'persistence', 'the server still loads its data'),
        fix: 'Wait until it has; until then the loaders answer',
      },
    ]
  }
  if (info.rdb_last_bgsave_status !== 'err' && info.aof_last_write_status !== 'err') return []
  return [
    {
      ...found(
        'warning',
        'persistence',
        'the last save to disk failed; with stop-writes-on-bgsave-error Redis then refuses writes',
      ),
      fix: 'Make room on the disk of the server, or turn persistence off: a cache does not need it',
    },
  ]
}

/** How far behind a replica may be until it is worth a word. */
const LAG_SECONDS = 10

function replicationOf(info: Info): readonly Finding[] {
  if (info.role === 'slave') {
    return [
      {
        ...found('wrong', 'replication', 'the connection leads to a replica, which takes no writes'),
        fix: 'Connect to the master, through Sentinel or Cluster where it can change',
      },
    ]
  }
  const replicas = Object.entries(info).filter(([name]) => /^slave\d+$/.test(name))
  if (replicas.length === 0) return []
  const late = replicas.filter(
    ([, text]) => !/state=online/.test(text) || Number(/lag=(\d+)/.exec(text)?.[1] ?? 0) > LAG_SECONDS,
  )
  if (late.length === 0)
    return [found('ok', 'replication', `${plural(replicas.length, 'replica')}, none more than ${LAG_SECONDS} s behind`)]
  return [
    {
      ...found(
        'warning',
        'replication',
        `${late.length} of ${plural(replicas.length, 'replica')} not online, or more than ${LAG_SECONDS} s behind`,
      ),
      fix: 'Look at the network and the load of the replicas; a failover would lose the last invalidations, which the services then repeat',
    },
  ]
}

/** How far clocks may differ until times in logs no longer match. */
const CLOCK_MS = 1_000

/** `differenceMs`: the server's clock minus the local one. */
export function checkClock(differenceMs: number): Finding {
  const direction = differenceMs < 0 ? 'behind' : 'ahead of'
  const text = `the server's clock is ${spanText(Math.abs(differenceMs))} ${direction} the local one`
  if (Math.abs(differenceMs) <= CLOCK_MS) return found('ok', 'clock', text)
  return {
    ...found(
      'warning',
      'clock',
      `${text}. The cache does not compare them, but times in logs and of announcements do not match`,
    ),
    fix: 'Synchronize both machines with NTP',
  }
}

/** The usual `timeout` of `redisTier`: a slower reply counts as a failure. */
const USUAL_TIMEOUT_MS = 200
const SLOW_MS = 20

/** `roundTripsMs`: the times of single commands, one after the other. */
export function checkLatency(roundTripsMs: readonly number[]): Finding {
  const sorted = [...roundTripsMs].sort((a, b) => a - b)
  const at = (part: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
  const [median, late] = [at(0.5), at(0.95)]
  const text = `p50 ${median.toFixed(2)} ms, p95 ${late.toFixed(2)} ms of ${sorted.length} round trips from this machine`
  if (late > USUAL_TIMEOUT_MS) {
    return {
      ...found('wrong', 'latency', `${text}: slower than the default timeout of 200 ms, so the breaker would open`),
      fix: 'Move the services closer to Redis, look at SLOWLOG GET, or raise the option timeout of redisTier',
    }
  }
  if (late <= SLOW_MS) return found('ok', 'latency', text)
  return {
    ...found('warning', 'latency', `${text}: each hit in L2 takes as long`),
    fix: 'Move the services closer to Redis, or look at SLOWLOG GET for what keeps it busy',
  }
}
