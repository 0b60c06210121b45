// Which lent clients are in use, and in which role: a client that listens blocks every other command on it.
import { CacheError } from '../../model/errors.js'
import type { RedisConnection } from './client.js'

type Role = 'client' | 'subscriber'

/** Two caches must not share a subscriber. Only the clients themselves are known to all caches of a process, so one map serves all. */
const inUse = new WeakMap<RedisConnection, { readonly role: Role; caches: number }>()

/**
 * Marks `client` as used by a cache, until the function that it returns is called. Throws `INVALID_OPTION` if another use of the client
 * excludes this one.
 */
export function takeLent(client: RedisConnection, role: Role): () => void {
  const use = inUse.get(client)
  if (use === undefined) inUse.set(client, { role, caches: 1 })
  else if (use.role === 'client' && role === 'client') use.caches++
  else throw excluded(role)
  let isTaken = true
  return () => {
    const current = inUse.get(client)
    if (!isTaken || current === undefined) return
    isTaken = false
    current.caches--
    if (current.caches === 0) inUse.delete(client)
  }
}

function excluded(wanted: Role): CacheError {
  const what =
    wanted === 'subscriber'
      ? 'subscriber must be a client that nothing else uses; another cache already uses this one'
      : 'redisTier expected a client for commands; this one is the subscriber of another cache'
  const fix = 'Leave subscriber out to let each cache duplicate its client, or close the other cache first'
  return new CacheError('INVALID_OPTION', `${what}. ${fix}`)
}
