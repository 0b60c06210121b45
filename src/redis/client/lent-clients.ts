// Which lent clients are in use, and as what: a client that listens blocks every other command on it.
import { CacheError } from '../../model/errors.js'
import type { RedisConnection } from './client.js'

type Role = 'client' | 'subscriber'

/** Nothing but the clients themselves is known to all caches of a process, and two of them must not share a subscriber: hence one map. */
const inUse = new WeakMap<RedisConnection, { readonly role: Role; caches: number }>()

/** Notes that a cache uses `client`; returns what ends that. Throws `INVALID_OPTION` where another use of it excludes this one. */
export function takeLent(client: RedisConnection, role: Role): () => void {
  const use = inUse.get(client)
  if (use === undefined) inUse.set(client, { role, caches: 1 })
  else if (use.role === 'client' && role === 'client') use.caches++
  else throw excluded(role)
  let isTaken = true
  return () => {
    const held = inUse.get(client)
    if (!isTaken || held === undefined) return
    isTaken = false
    held.caches--
    if (held.caches === 0) inUse.delete(client)
  }
}

function excluded(wanted: Role): CacheError {
  const what =
    wanted === 'subscriber'
      ? 'subscriber must be a client that nobody else uses; this subscriber is used by another cache already'
      : 'redisTier expected a client for commands; this one is the subscriber of another cache'
  const fix = 'Leave subscriber out to let each cache duplicate its client, or close the other cache first'
  return new CacheError('INVALID_OPTION', `${what}. ${fix}`)
}
