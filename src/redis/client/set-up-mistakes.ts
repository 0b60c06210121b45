// The mistake in a set-up behind an error of the client: each has a code and a sentence that says what to do. Pure.
import type { CacheErrorCode } from '../../model/errors.js'
import { textOf } from './client-errors.js'

type SetUpCode = Extract<CacheErrorCode, `L2_${string}`>

interface Mistake {
  readonly code: SetUpCode
  /** Matches the messages and codes of an error and of the errors inside it. */
  readonly signs: RegExp
  readonly advice: string
}

/** The first match counts: a missing password is reported in many forms, and other errors contain some of the same words. */
const MISTAKES: readonly Mistake[] = [
  {
    code: 'L2_AUTH_FAILED',
    signs: /\bNOAUTH\b|Authentication required/,
    advice:
      'The server requires a password: new Redis({ password: process.env.REDIS_PASSWORD }), or redis://user:password@host in a URL',
  },
  {
    code: 'L2_AUTH_FAILED',
    signs: /\bWRONGPASS\b|invalid password|without any password configured|no password is set/i,
    advice: 'Check username and password (ACL LIST on the server shows the users)',
  },
  {
    code: 'L2_TLS_FAILED',
    // Byte 0x15 is a TLS alert where a reply was expected.
    signs:
      /wrong version number|packet length too long|before secure TLS connection|Protocol error, got "\\u0015|\bERR_(SSL|TLS)_|\bSSL routines|certificate|\bCERT_|_CERT(_|\b)|\bEPROTO\b/i,
    advice:
      'Use TLS on both sides or on neither: rediss:// in a URL or new Redis({ tls: {} }) if the server has a tls-port, redis:// and no tls if it ' +
      'has none. If your certificate authority is not a public one: tls: { ca: readFileSync(…) }',
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
    advice: 'The connection leads to a replica; connect to the master, through Sentinel or Cluster if it can change',
  },
  {
    code: 'L2_MISCONFIGURED',
    // The second is what a script gets that calls a command without the right to it.
    signs: /\bNOPERM\b|The user executing the script can't run this command/,
    advice: 'Give this user the commands and keys that the cache needs; docs/guides/security.md has the ACL rule',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /cluster support disabled/i,
    advice: 'The server is not a cluster: pass new Redis(…), or { host, port } instead of { cluster: [...] }',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /got an invalid reply|No such master/,
    advice: 'The sentinels do not know a master with this name; check the option name (SENTINEL MASTERS lists all)',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /Protocol error, got/,
    advice: 'The program at this address does not speak the protocol of Redis; check host and port',
  },
  {
    code: 'L2_MISCONFIGURED',
    signs: /\bDENIED\b.*protected mode/s,
    advice: 'Set a password on the server (requirepass), or turn its protected mode off',
  },
]

/** The mistake behind `error`, if there is one. */
export function mistakeBehind(error: unknown): Pick<Mistake, 'code' | 'advice'> | undefined {
  const text = textOf(error, 0)
  return MISTAKES.find(({ signs }) => signs.test(text))
}
