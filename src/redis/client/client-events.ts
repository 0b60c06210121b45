// Listening to a lent client: it has one listener per event, however many caches use it.
import type { RedisConnection } from './client.js'

type Listener = (...args: unknown[]) => void

interface SharedListener {
  readonly listeners: Set<Listener>
  /** The one listener that the client has. */
  readonly dispatch: Listener
}

/**
 * Node warns of a leak beyond ten listeners of one event, and an application may have more caches than that on its client. Raising
 * the limit would also hide leaks of the application itself. Only the client is known to all caches on it, so one map serves all.
 */
const sharedByClient = new WeakMap<RedisConnection, Map<string, SharedListener>>()

/** Calls the listener of each event, in the order in which the listeners were added; returns the function that removes them. */
export function listenTo(client: RedisConnection, listeners: Readonly<Record<string, Listener>>): () => void {
  const all = Object.entries(listeners)
  for (const [event, listener] of all) addListener(client, event, listener)
  return () => {
    for (const [event, listener] of all) removeListener(client, event, listener)
  }
}

function addListener(client: RedisConnection, event: string, listener: Listener): void {
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

/** With its last listener the client loses the shared one, too. */
function removeListener(client: RedisConnection, event: string, listener: Listener): void {
  const byEvent = sharedByClient.get(client)
  const shared = byEvent?.get(event)
  if (shared === undefined) return
  shared.listeners.delete(listener)
  if (shared.listeners.size > 0) return
  byEvent?.delete(event)
  client.removeListener(event, shared.dispatch)
}

function share(): SharedListener {
  const listeners = new Set<Listener>()
  const dispatch = (...args: unknown[]): void => {
    // A copy, since a listener may add or remove listeners. One that was removed meanwhile is not called.
    for (const listener of [...listeners]) if (listeners.has(listener)) listener(...args)
  }
  return { listeners, dispatch }
}
