// What a Redis error means to the cache: by the first word of the reply, or by the client's own message. Pure.
import { CacheError } from '../../model/errors.js'
import type { RedisNode } from './client.js'
import { textOf, withoutCommand } from './client-errors.js'
import { mistakeBehind } from './set-up-mistakes.js'

/** Every error of Redis or of its client is one of these. */
export type RedisFault =
  /** Down, starting, failing over or busy: it heals by itself. */
  | 'unavailable'
  /** The connection leads to a replica or to a demoted master. */
  | 'readOnly'
  /** Wrong password, missing permission, a server or client that does not support the command: it does not heal by itself. */
  | 'misconfigured'
  | 'outOfMemory'
  /** The key holds another type, so it is not ours. */
  | 'wrongType'
  /** The server does not have a script. */
  | 'scriptMissing'
  /** A cluster says that another node has the key. */
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

/** Messages without a code whose cause does not go away by itself. */
const PERMANENT =
  /unknown (command|subcommand)|executing the script can't|ACL failure in script|syntax error|subscriber mode|invalid password|cluster support disabled/i

/** `LOADING`, `MASTERDOWN`, `CLUSTERDOWN`, `TRYAGAIN`, `MISCONF`, closed connections and all unknown errors are `'unavailable'`. */
export function faultOf(error: unknown): RedisFault {
  const message = messageOf(error)
  const firstWord = /^(?:Ready check failed: )?-?([A-Z]+)\b/.exec(message)?.[1] ?? ''
  return BY_FIRST_WORD[firstWord] ?? (PERMANENT.test(message) ? 'misconfigured' : 'unavailable')
}

/** The error with which the store rejects; the client's own error is its `cause`. `doing` completes "Redis could not …". */
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

/** Whether the server replied with this error. Otherwise the client made it, for example when the link dropped. */
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
 * TLS on one side only, where no error says so: a server without TLS waits for the rest of the handshake until the client gives up, and
 * a server with TLS ends a link that does not begin with a handshake.
 */
export function tlsMistakeOf(client: RedisNode, error: unknown, doing: string): CacheError | undefined {
  const text = textOf(error)
  const usesTls = Boolean(client.options.tls)
  const isSilent = usesTls && /connect ETIMEDOUT/.test(text)
  // Once a link is ready, the same error means that the server was stopped.
  const isCutOff = !usesTls && client.status === 'connect' && /ECONNRESET|EPIPE/.test(text)
  if (!isSilent && !isCutOff) return undefined
  const advice = isSilent
    ? 'The server did not reply to the TLS handshake: if it has no TLS, use redis:// and no tls; else check host, port and firewall'
    : 'The server ended the connection without a reply, as a server that expects TLS does: use rediss:// or tls: {}'
  const cause = withoutCommand(error)
  return new CacheError('L2_TLS_FAILED', `Redis could not ${doing}: ${text}. ${advice}`, { cause })
}
