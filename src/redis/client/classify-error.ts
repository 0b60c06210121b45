// What a Redis error means to the cache: pure, by the first word of the reply or by the client's own sentence.
import { CacheError } from '../../model/errors.js'
import type { RedisNode } from './client.js'
import { textOf, withoutCommand } from './client-errors.js'
import { mistakeBehind } from './set-up-mistakes.js'

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
  DENIED: 'misconfigured',
}

/** Sentences without a code of their own that no waiting will change. */
const PERMANENT =
  /unknown (command|subcommand)|executing the script can't|ACL failure in script|syntax error|subscriber mode|invalid password|cluster support disabled/i

/** `LOADING`, `MASTERDOWN`, `CLUSTERDOWN`, `TRYAGAIN`, `MISCONF`, closed connections and whatever is unknown are `'unavailable'`. */
export function faultOf(error: unknown): RedisFault {
  const message = messageOf(error)
  const firstWord = /^(?:Ready check failed: )?-?([A-Z]+)\b/.exec(message)?.[1] ?? ''
  return BY_FIRST_WORD[firstWord] ?? (PERMANENT.test(message) ? 'misconfigured' : 'unavailable')
}

/** The error that a rejected promise of the store carries; the client's own is its `cause`. `doing` completes "Redis could not …". */
export function toCacheError(error: unknown, doing: string): CacheError {
  if (error instanceof CacheError) return error
  const fault = faultOf(error)
  const mistake = mistakeBehind(error)
  const code = mistake?.code ?? (fault === 'misconfigured' || fault === 'moved' ? 'L2_MISCONFIGURED' : 'L2_UNAVAILABLE')
  const advice = mistake === undefined ? adviceOn(fault) : `. ${mistake.advice}`
  return new CacheError(code, `Redis could not ${doing}: ${textOf(error)}${advice}`, { cause: withoutCommand(error) })
}

/** The fault behind an error of `toCacheError`. */
export function faultBehind(error: unknown): RedisFault {
  return faultOf(error instanceof CacheError ? (error.cause ?? error) : error)
}

/** Whether the server itself replied with this error; else the client made it, of a link that dropped for example. */
export function isReply(error: unknown): boolean {
  const own = error instanceof CacheError ? error.cause : error
  return own instanceof Error && own.name === 'ReplyError'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

function adviceOn(fault: RedisFault): string {
  switch (fault) {
    case 'misconfigured':
      return '. Check the permissions (ACL) and the version of the server: Redis 7.0 or Valkey 7.2 at least'
    case 'outOfMemory':
      return '. Raise maxmemory or set an eviction policy such as allkeys-lru'
    case 'moved': // A cluster client follows it by itself.
      return '. The server is a node of a cluster: pass new Cluster([{ host, port }]), or { cluster: [{ host, port }] }'
    case 'readOnly': // Its advice is among the mistakes of a set-up.
    case 'unavailable':
    case 'wrongType':
    case 'scriptMissing':
      return ''
    default:
      return fault satisfies never
  }
}

/**
 * TLS on one side only, where neither side says so: a server without TLS waits for the rest of the greeting until the client gives up,
 * and one with TLS ends a link that does not begin with it.
 */
export function tlsMistakeOf(client: RedisNode, error: unknown, doing: string): CacheError | undefined {
  const text = textOf(error)
  const usesTls = Boolean(client.options.tls)
  const isSilent = usesTls && /connect ETIMEDOUT/.test(text)
  // Later in the life of a link the same error means that the server was stopped.
  const isCutOff = !usesTls && client.status === 'connect' && /ECONNRESET|EPIPE/.test(text)
  if (!isSilent && !isCutOff) return undefined
  const advice = isSilent
    ? 'Nothing answered the greeting of TLS: use redis:// and no tls where the server has none; else check host, port and firewall'
    : 'The server ended the connection before it said a word, as one does that expects TLS: use rediss:// or tls: {}'
  const cause = withoutCommand(error)
  return new CacheError('L2_TLS_FAILED', `Redis could not ${doing}: ${text}. ${advice}`, { cause })
}
