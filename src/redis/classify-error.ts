// What a Redis error means to the cache: pure, by the first word of the reply or by the client's own sentence.
import { CacheError } from '../model/errors.js'

/** Closed: every error of Redis or of its client is one of these. */
export type RedisFault =
  /** Down, starting, failing over, busy: it heals by itself. */
  | 'unavailable'
  /** The connection leads to a replica, or to a master that was demoted. */
  | 'readOnly'
  /** Wrong password, missing permission, a server or client that cannot do what is asked: it does not heal by itself. */
  | 'misconfigured'
  | 'outOfMemory'
  /** The key holds something that is not ours. */
  | 'wrongType'
  /** The server forgot a script. */
  | 'scriptMissing'
  /** A cluster says that the key is elsewhere. */
  | 'moved'

const BY_FIRST_WORD: Readonly<Record<string, RedisFault>> = {
  READONLY: 'readOnly',
  OOM: 'outOfMemory',
  WRONGTYPE: 'wrongType',
  NOSCRIPT: 'scriptMissing',
  MOVED: 'moved',
  ASK: 'moved',
  NOAUTH: 'misconfigured',
  WRONGPASS: 'misconfigured',
  NOPERM: 'misconfigured',
  NOPROTO: 'misconfigured',
  CROSSSLOT: 'misconfigured',
}

/** Sentences without a code of their own that no waiting will change. */
const PERMANENT =
  /unknown (command|subcommand)|executing the script can't|ACL failure in script|syntax error|subscriber mode|invalid password|cluster support disabled/i

/** `LOADING`, `MASTERDOWN`, `CLUSTERDOWN`, `TRYAGAIN`, `MISCONF`, closed connections and whatever is unknown are `'unavailable'`. */
export function faultOf(error: unknown): RedisFault {
  const message = messageOf(error)
  const firstWord = /^-?([A-Z]+)\b/.exec(message)?.[1] ?? ''
  return BY_FIRST_WORD[firstWord] ?? (PERMANENT.test(message) ? 'misconfigured' : 'unavailable')
}

/** The error that a rejected promise of the store carries; the client's own is its `cause`. `doing` completes "Redis could not …". */
export function toCacheError(error: unknown, doing: string): CacheError {
  if (error instanceof CacheError) return error
  const fault = faultOf(error)
  const code = fault === 'misconfigured' ? 'L2_MISCONFIGURED' : 'L2_UNAVAILABLE'
  return new CacheError(code, `Redis could not ${doing}: ${messageOf(error)}${adviceOn(fault)}`, { cause: error })
}

/** The fault behind an error of `toCacheError`. */
export function faultBehind(error: unknown): RedisFault {
  return faultOf(error instanceof CacheError ? (error.cause ?? error) : error)
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function adviceOn(fault: RedisFault): string {
  switch (fault) {
    case 'misconfigured':
      return '. Check the password, the permissions (ACL) and the version of the server: Redis 7.0 or Valkey 7.2 at least'
    case 'readOnly':
      return '. The connection leads to a replica; connect to the master, through Sentinel or Cluster where it can change'
    case 'outOfMemory':
      return '. Raise maxmemory or set an eviction policy such as allkeys-lru'
    case 'unavailable':
    case 'wrongType':
    case 'scriptMissing':
    case 'moved':
      return ''
    default:
      return fault satisfies never
  }
}
