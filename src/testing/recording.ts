// Records the events of a cache in order, so that a test can compare all of them at once.

/** Anything that reports events by name, such as a cache. `on` returns a function that removes the listener. */
export interface Emitter {
  on(event: never, listener: (detail: never) => void): () => void
}

/** One event as it was reported: a union with a member for each event. */
export type RecordedEvent<Events> = {
  [Name in keyof Events]: { readonly event: Name; readonly detail: Events[Name] }
}[keyof Events]

/** The events since `record`, oldest first. */
export interface Recording<Events> {
  readonly events: readonly RecordedEvent<Events>[]
  /** The names alone, which most tests compare. */
  names(): (keyof Events)[]
  /** The details of all events with this name. */
  of<Name extends keyof Events>(event: Name): Events[Name][]
  /** Returns the names so far and forgets them, so that a test can look at one step at a time. */
  take(): (keyof Events)[]
  stop(): void
}

/** Records the events `names` of `emitter` until `stop()`. `Events` maps names to details: `record<CacheEvents>(cache, ['hit'])`. */
export function record<Events = Record<string, unknown>>(
  emitter: Emitter,
  names: readonly (keyof Events)[],
): Recording<Events> {
  const events: RecordedEvent<Events>[] = []
  const ends = names.map((event) => emitter.on(event as never, (detail) => events.push({ event, detail } as never)))
  return {
    events,
    names: () => events.map(({ event }) => event),
    of: (name) => events.filter(({ event }) => event === name).map(({ detail }) => detail as never),
    take: () => events.splice(0).map(({ event }) => event),
    stop: () => {
      for (const end of ends) end()
    },
  }
}
