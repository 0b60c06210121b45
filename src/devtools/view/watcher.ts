// Listens to a cache while a page is open: which keys are read most, and what happened lately. Nothing of it remains afterwards.
import type { Cache } from '../../cache/cache.js'
import type { CacheEventName, CacheEvents, EntryEvent, InvalidatedEvent } from '../../model/events/events.js'
import { LIFE, NEWS, TROUBLE } from './event-text.js'
import { HotKeys } from './hot-keys.js'
import type { HotKey, SeenEvent } from './view.js'

const ROOM = 1_000
const MAX_LIFE = 10_000
const MAX_NEWS = 500
const SEPARATOR = '\0'

const READS = ['hit', 'joined', 'servedStale', 'miss'] as const

/** An event as it came. Its text is made when it is shown. */
interface Kept {
  readonly id: number
  readonly atMs: number
  readonly name: CacheEventName
  readonly level: SeenEvent['level']
  readonly payload: CacheEvents[CacheEventName]
  readonly textOf: (payload: never) => string
}

/** The key of a report, with the tags of its entry. */
export interface Subject {
  readonly scope: string
  readonly key: string
  readonly tags: readonly string[]
}

/** A listener of `hit` costs each hit the making of an event, so there is none while no page is open. */
export class Watcher {
  readonly #cache: Cache
  readonly #hot = new HotKeys(ROOM)
  readonly #life = new Ring(MAX_LIFE)
  readonly #news = new Ring(MAX_NEWS)
  #ids = 0

  constructor(cache: Cache) {
    this.#cache = cache
  }

  /** Returns the function that ends it. */
  start(): () => void {
    this.#hot.clear()
    this.#life.clear()
    this.#news.clear()
    const cache = this.#cache
    const ends = [
      ...READS.map((name) => cache.on(name, ({ scope, key }) => this.#hot.add(scope + SEPARATOR + key))),
      ...this.#keep(LIFE, this.#life, 'info'),
      ...this.#keep(NEWS, this.#news, 'info'),
      ...this.#keep(TROUBLE, this.#news, 'warning'),
    ]
    return () => {
      for (const end of ends) end()
    }
  }

  #keep(texts: object, ring: Ring, level: SeenEvent['level']): (() => void)[] {
    return Object.entries(texts).map(([name, textOf]) =>
      this.#cache.on(name as CacheEventName, (payload: CacheEvents[CacheEventName]) => {
        ring.add({ id: ++this.#ids, atMs: Date.now(), name: name as CacheEventName, level, payload, textOf })
      }),
    )
  }

  hottest(most: number): readonly HotKey[] {
    return this.#hot.top(most).map(([name, reads]) => {
      const at = name.indexOf(SEPARATOR)
      return { scope: name.slice(0, at), key: name.slice(at + 1), reads }
    })
  }

  readsOf({ scope, key }: Subject): number {
    return this.#hot.count(scope + SEPARATOR + key)
  }

  /** The newest first. */
  news(most: number): readonly SeenEvent[] {
    return inRuns(this.#news.newest(), most)
  }

  /** What concerned one key, the newest first. */
  about(subject: Subject, most: number): readonly SeenEvent[] {
    const all = [...this.#life.newest(), ...this.#news.newest()].filter((kept) => concerns(kept, subject))
    return inRuns(
      all.sort((a, b) => b.id - a.id),
      most,
    )
  }
}

/** The last `most` events. */
class Ring {
  readonly #events: Kept[] = []
  #next = 0

  constructor(private readonly most: number) {}

  add(event: Kept): void {
    this.#events[this.#next] = event
    this.#next = (this.#next + 1) % this.most
  }

  newest(): readonly Kept[] {
    return [...this.#events.slice(this.#next), ...this.#events.slice(0, this.#next)].reverse()
  }

  clear(): void {
    this.#events.length = 0
    this.#next = 0
  }
}

/** Events as they are shown: those of one kind and key that follow each other are shown as one. */
function inRuns(newest: readonly Kept[], most: number): readonly SeenEvent[] {
  const runs: { readonly first: Kept; times: number }[] = []
  for (const kept of newest) {
    const last = runs.at(-1)
    if (last !== undefined && isAlike(last.first, kept)) last.times++
    else if (runs.length < most) runs.push({ first: kept, times: 1 })
    else break
  }
  return runs.map(({ first, times }) => shown(first, times))
}

function isAlike(a: Kept, b: Kept): boolean {
  if (a.name !== b.name) return false
  const { scope, key } = a.payload as Partial<EntryEvent>
  const other = b.payload as Partial<EntryEvent>
  return key !== undefined && other.key === key && other.scope === scope
}

function shown({ id, atMs, name, level, payload, textOf }: Kept, times: number): SeenEvent {
  const { scope, key } = payload as Partial<EntryEvent>
  const names = { ...(scope !== undefined && { scope }), ...(key !== undefined && { key }) }
  return { id, atMs, name, level, ...names, times, text: textOf(payload as never) }
}

function concerns({ name, payload }: Kept, subject: Subject): boolean {
  if (name === 'invalidated') return changes(payload as InvalidatedEvent, subject)
  const { scope, key } = payload as Partial<EntryEvent>
  return scope === subject.scope && key === subject.key
}

/** Whether an invalidation concerned the key: by its name, by a tag, or with its whole scope. */
export function changes(event: InvalidatedEvent, { scope, key, tags }: Subject): boolean {
  if (event.tags.some((tag) => tags.includes(tag))) return true
  if (event.by === 'clear' || event.by === 'expireAll') return `${scope}/`.startsWith(`${event.scope}/`)
  if (event.by === 'deleteByPrefix') return event.scope === scope
  return event.scope === scope && event.keys.includes(key)
}
