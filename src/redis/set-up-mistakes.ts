// Which mistake of a set-up is behind an error of the client: each has a code of its own and a sentence of what to type next. Pure.
import type { CacheErrorCode } from '../model/errors.js'

type SetUpCode = Extract<CacheErrorCode, `L2_${string}`>

interface Mistake {
  readonly code: SetUpCode
  /** Of the texts of an error and of those inside it, their codes included. */
  readonly signs: RegExp
  readonly advice: string
}

/** The first that fits: a server that wants a password says so in many ways, and some of their words are in other errors, too. */
const MISTAKES: readonly Mistake[] = [
  {
    code: 'L2_AUTH_FAILED',
    signs: /\bNOAUTH\b|Authentication required/,
    advice:
      'The server wants a password: new Redis({ password: process.env.REDIS_PASSWORD }), or redis://user:password@host in a URL',
  },
  {
    code: 'L2_AUTH_FAILED',
    signs: /\bWRONGPASS\b|invalid password|without any password configured|no password is set/i,
    advice: 'Check username and password (ACL LIST on the server shows the users)',
  },
  {
    code: 'L2_TLS_FAILED',
    // Byte 0x15 is an alert of TLS where a reply was expected.
    signs:
      /wrong version number|packet length too long|before secure TLS connection|Protocol error, got "\\u0015|\bERR_(SSL|TLS)_|\bSSL routines|certificate|\bCERT_|_CERT(_|\b)|\bEPROTO\b/i,
    advice:
      'Use TLS on both sides or on neither: rediss:// in a URL or new Redis({ tls: {} }) where the server has a tls-port, redis:// and no tls where it ' +
      'has none. For a certificate of your own authority: tls: { ca: readFileSync(…) }',
  },
  {
    code: 'L2_HOST_UNKNOWN',
    signs: /\bENOTFOUND\b|\bEAI_[A-Z]+\b|getaddrinfo/,
    advice: 'Check the host name, and that this machine or container can resolve it (getent hosts NAME)',
  },
  {
    code: 'L2_CONNECTION_REFUSED',
    signs: /\bECONNREFUSED\b|connect ENOENT/,
    advice:
      'Nothing listens there: start the server, or check host and port (redis-cli -h HOST -p PORT ping). In a container, localhost is the container',
  },
  {
    code: 'L2_REPLICA',
    signs: /\bREADONLY\b/,
    advice: 'The connection leads to a replica; connect to the master, through Sentinel or Cluster where it can change',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /\bNOPERM\b/,
    advice: 'Give this user the commands and keys that the cache needs; docs/guides/security.md has the ACL rule',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /cluster support disabled/i,
    advice: 'The server is no cluster: pass new Redis(…), or { host, port } instead of { cluster: [...] }',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /got an invalid reply|No such master/,
    advice: 'The sentinels know no master of that name; check the option name (SENTINEL MASTERS lists them)',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /Protocol error, got/,
    advice: 'What listens there does not speak the protocol of Redis; check host and port',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /\bDENIED\b.*protected mode/s,
    advice: 'Set a password on the server (requirepass), or turn its protected mode off',
  },
]

/** The mistake behind `error`, if it is one that somebody has to mend. */
export function mistakeBehind(error: unknown): Pick<Mistake, 'code' | 'advice'> | undefined {
  const text = textOf(error, 0)
  return MISTAKES.find(({ signs }) => signs.test(text))
}

/** Errors of a cluster and of addresses that were tried one after the other hold the real ones inside; Sentinel writes them into its text. */
interface Nested {
  readonly message?: unknown
  readonly code?: unknown
  readonly errors?: unknown
  readonly lastNodeError?: unknown
  readonly cause?: unknown
}

const MAX_DEPTH = 4

/** The message of an error and of those inside it, each with its code. */
export function textOf(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null) return String(error)
  const { message, code, errors, lastNodeError, cause } = error as Nested
  const own = typeof message === 'string' && message !== '' ? message : ''
  const parts = typeof code === 'string' && !own.includes(code) ? [own === '' ? code : `${own} (${code})`] : [own]
  if (depth < MAX_DEPTH) {
    const inside = [lastNodeError, cause, ...(Array.isArray(errors) ? errors : [])]
    for (const each of inside) if (each !== undefined && each !== null) parts.push(textOf(each, depth + 1))
  }
  return [...new Set(parts.filter((part) => part !== ''))].join(': ')
}

/** What an error of the system tells beside its text. */
const SYSTEM_FIELDS = ['code', 'errno', 'syscall', 'address', 'port', 'hostname'] as const

/**
 * The client's own error, fit to be logged: clients attach the command to it, and its arguments are a password or what was to be
 * cached. The error itself belongs to the client and is not written to.
 */
export function withoutCommand(error: unknown): unknown {
  if (!(error instanceof Error)) return error
  const { lastNodeError } = error as Nested
  if (!('command' in error) && !(lastNodeError instanceof Error)) return error
  const inner = lastNodeError instanceof Error ? lastNodeError : error.cause
  const copy = new Error(error.message, inner === undefined ? undefined : { cause: withoutCommand(inner) })
  const { name, stack } = error
  Object.defineProperties(copy, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack, configurable: true, writable: true },
  })
  for (const field of SYSTEM_FIELDS) {
    if (field in error) Object.assign(copy, { [field]: (error as unknown as Record<string, unknown>)[field] })
  }
  return copy
}
