// Listening to a client that was lent: of all caches on it, one listener per event, however many they are.
import type { RedisConnection } from './client.js'

type Listener = (...args: unknown[]) => void

interface Shared {
  readonly listeners: Set<Listener>
  /** The one that the client has. */
  readonly dispatch: Listener
}

/**
 * Node warns of a leak beyond ten listeners of one event, and an application may have more caches than that on its client. To raise
 * the limit would also hide leaks of the application's own. Nothing but the client itself knows all caches on it, hence one map for all.
 */
const sharedByClient = new WeakMap<RedisConnection, Map<string, Shared>>()

/** Calls `listener` at each `event` of the client, in the order in which they came. */
export function listenTo(client: RedisConnection, event: string, listener: Listener): void {
  let byEvent = sharedByClient.get(client)
  if (byEvent === undefined) {
    byEvent = new Map()
    sharedByClient.set(client, byEvent)
  }
  let shared = byEvent.get(event)
  if (shared === undefined) {
    shared = share()
    byEvent.set(event, shared)
    client.on(event, shared.dispatch)
  }
  shared.listeners.add(listener)
}

/** The last one to leave takes the client's listener off. */
export function stopListening(client: RedisConnection, event: string, listener: Listener): void {
  const byEvent = sharedByClient.get(client)
  const shared = byEvent?.get(event)
  if (shared === undefined) return
  shared.listeners.delete(listener)
  if (shared.listeners.size > 0) return
  byEvent?.delete(event)
  client.removeListener(event, shared.dispatch)
}

function share(): Shared {
  const listeners = new Set<Listener>()
  const dispatch = (...args: unknown[]): void => {
    // A copy: who is told may come or go. Who has gone meanwhile is not told any more.
    for (const listener of [...listeners]) if (listeners.has(listener)) listener(...args)
  }
  return { listeners, dispatch }
}
