// A command's cache: opened with the SDK's own code, without a memory tier, and ready.
import { type Cache, CacheError, type CacheErrorCode, createCache } from '../../index.js'
import { type RedisTierOptions, redisTier } from '../../redis/index.js'
import { Failure } from '../output/failure.js'
import { safeText } from '../output/text.js'
import { type Client, connect, type Send } from './client.js'
import type { Settings, VersionedName } from './settings.js'

/** What a command works with. */
export interface Session {
  readonly settings: Settings
  readonly client: Client
  readonly send: Send
  /** The whole cache. */
  readonly root: Cache
  /** The cache, or the namespace of `--namespace`. */
  readonly cache: Cache
  /** Closes the cache and leaves the client open. */
  closeCache(): Promise<void>
  close(): Promise<void>
}

/** `'change'`: changes are announced to the other processes. `'read'`: nothing is written and nothing announced. */
export type Purpose = 'read' | 'change'

/** Opens the cache and waits until Redis is in use. Throws a `Failure`: with exit code 2 for wrong options, with 3 for a Redis that is not. */
export async function openSession(settings: Settings, purpose: Purpose): Promise<Session> {
  const session = await prepareSession(settings, purpose)
  try {
    await whenReady(session)
    return session
  } catch (error) {
    await session.close()
    throw notReady(error)
  }
}

/** The same without waiting: the caller calls `whenReady` itself. */
export async function prepareSession(settings: Settings, purpose: Purpose): Promise<Session> {
  const { client, send } = await connect(settings)
  try {
    const root = openCache(settings, client, purpose === 'change' ? 'stream' : false)
    const cache = namespaceOf(root, settings.namespaces)
    const closeCache = (): Promise<void> => root.close()
    const close = async (): Promise<void> => {
      await closeCache()
      client.disconnect()
    }
    return { settings, client, send, root, cache, closeCache, close }
  } catch (error) {
    client.disconnect()
    throw error instanceof CacheError ? new Failure(2, error.message, { cause: error }) : error
  }
}

/** A namespace of `root`, by the names on its path. */
export function namespaceOf(root: Cache, path: readonly VersionedName[]): Cache {
  return path.reduce((inner, { name, version }) => inner.namespace(name, { version }), root)
}

/** What may pass while `ready()` waits. Any other code is a mistake in the set-up, for which nobody should have to wait. */
const PASSING: ReadonlySet<CacheErrorCode> = new Set(['L2_UNAVAILABLE', 'L2_TIMEOUT'])

/** Resolves once Redis is in use. Rejects after `--timeout`, and at once if the set-up is wrong. */
export function whenReady({ root, settings }: Pick<Session, 'root' | 'settings'>): Promise<void> {
  return new Promise((resolve, reject) => {
    root.on('degraded', ({ error }) => {
      if (!PASSING.has(error.code)) reject(error)
    })
    root.ready({ timeout: settings.timeoutMs }).then(resolve, reject)
  })
}

function openCache({ cache, timeoutMs, encrypt }: Settings, client: Client, bus: 'stream' | false): Cache {
  const tier: RedisTierOptions = {
    bus,
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    // A command has one try, and the cache says why it failed when its breaker opens.
    breaker: { failures: 1 },
    encrypt,
  }
  return createCache({
    name: cache.name,
    version: cache.version,
    l1: false,
    l2: redisTier(client, tier),
    // What goes wrong is said by the command itself.
    logger: false,
    closeTimeout: '1s',
  })
}

/** The failure for what `whenReady` rejected with. Its messages say what is wrong and what to do. */
export function notReady(error: unknown): Failure {
  const message = error instanceof Error ? safeText(error.message) : 'the connection failed'
  return new Failure(3, `Redis cannot be used: ${message}`, { cause: error })
}
