// `sessionStore`: the items of conversations, appended by any process.
import type { Cache, WriteResult } from '../index.js'
import { CacheError } from '../model/errors.js'
import { checkCount, checkOptions, invalid } from '../model/option-rules.js'
import type { Duration } from '../model/options/duration.js'
import { lifeOptionsOf, type SessionOptions, type SessionRules, sessionRulesOf } from './options.js'
import { emptySession, type LiveSession, type SessionState, withAppended, withItems } from './state.js'

/** What a change made of a session. */
export interface SessionChange {
  /** How many changes the session has had. */
  readonly version: number
  /** How many items it has. */
  readonly count: number
  /** Whether the change began it. */
  readonly isNew: boolean
}

/** What is known of a session besides its items. */
export interface SessionInfo {
  readonly version: number
  readonly count: number
  /** The bytes of its items as JSON. */
  readonly bytes: number
  /** When it began, in ms since the epoch. */
  readonly startedAtMs: number
}

/** Options of `items`. */
export interface ItemsOptions {
  /** How many of the last items are returned. Pinned ones are not added to them. Default: all. */
  readonly last?: number | undefined
}

interface Waiting<T> {
  readonly items: readonly T[]
  readonly settle: (outcome: SessionChange | CacheError) => void
  readonly reject: (error: unknown) => void
}

/** Processes that append to one session take turns; each turn that another one takes is one more retry. */
const RETRIES = 1_000

/**
 * The sessions of one cache and name.
 *
 * Invariant: an `append` that resolved is in the session exactly once, behind all that resolved before it was called. Each change is a
 * compare-and-set of the whole session, so it is computed from what stands there or not made at all.
 */
export class Sessions<T> {
  readonly #sessions: Cache
  readonly #rules: SessionRules<T>
  readonly #tags: SessionOptions<T>['tags']
  /** The appends that wait, by session. Those that come while one is under way go together into the next. */
  readonly #waiting = new Map<string, Waiting<T>[]>()

  /** @internal Made by `sessionStore()`. */
  constructor(cache: Cache, options: SessionOptions<T>) {
    this.#rules = sessionRulesOf(options)
    this.#tags = options.tags
    this.#sessions = cache.namespace(options.name, lifeOptionsOf(options))
  }

  /**
   * Appends items, trims the session, and renews its idle life. An item whose id it has, or had, is not appended again, so a call that
   * failed can be repeated. Rejects with `SESSION_ENDED`, with `SESSION_FULL` for items that do not fit, and with `L2_UNAVAILABLE`: if Redis
   * cannot be reached, nothing is appended in this process alone.
   */
  append(id: string, items: T | readonly T[]): Promise<SessionChange> {
    const list = Array.isArray(items) ? [...items] : [items as T]
    return new Promise((resolve, reject) => {
      const settle = (outcome: SessionChange | CacheError) =>
        outcome instanceof CacheError ? reject(outcome) : resolve(outcome)
      const one = { items: list, settle, reject }
      const others = this.#waiting.get(id)
      if (others !== undefined) {
        others.push(one)
        return
      }
      this.#waiting.set(id, [one])
      void this.#appendWaiting(id)
    })
  }

  /** Returns the items of a session, the oldest first; none if there is no such session, or it has ended. Renews its idle life. */
  async items(id: string, options?: ItemsOptions): Promise<readonly T[]> {
    return lastOf((await this.#live(id))?.items ?? [], options)
  }

  /** Returns what is known of a session; `undefined` if there is none, or it has ended. Renews its idle life. */
  async info(id: string): Promise<SessionInfo | undefined> {
    const session = await this.#live(id)
    if (session === undefined) return undefined
    const { items, bytes, version, startedAtMs } = session
    return { version, count: items.length, bytes: bytes.reduce((sum, one) => sum + one, 0), startedAtMs }
  }

  /**
   * Replaces the items by what `fn` makes of them, such as a summary of the old ones; `undefined` leaves them as they are. Like the
   * function of `cache.update`, `fn` is called again if the session was changed meanwhile. Rejects as `append` does, and with what `fn` throws.
   */
  async update(
    id: string,
    fn: (items: readonly T[]) => readonly T[] | undefined | Promise<readonly T[] | undefined>,
  ): Promise<SessionChange | undefined> {
    if (typeof fn !== 'function') throw invalid('the second argument of update', 'a function of the items', fn)
    let change: SessionChange | undefined
    await this.#change(id, async (before, isNew) => {
      const items = await fn(before.items)
      if (items !== undefined && !Array.isArray(items)) {
        throw invalid('what the function of update returns', 'an array of items, or undefined', items)
      }
      const after = items && withItems(before, items, this.#rules)
      change = after && changeOf(after, isNew)
      return after
    })
    return change
  }

  /**
   * Ends a session: its items are gone, and no `append` that comes later, from any process, begins it anew within `maxAge`. Returns
   * `'queued'` if Redis cannot be reached: then it has ended in this process, and in the others once it can.
   */
  end(id: string): Promise<WriteResult> {
    return this.#sessions.set<SessionState<T>>(id, 'ended', {
      idleTtl: Number.POSITIVE_INFINITY,
      tags: this.#tagsOf(id),
    })
  }

  async #live(id: string): Promise<LiveSession<T> | undefined> {
    const state = await this.#sessions.get<SessionState<T>>(id)
    return state === 'ended' ? undefined : state
  }

  async #appendWaiting(id: string): Promise<void> {
    for (;;) {
      const waiting = this.#waiting.get(id) ?? []
      if (waiting.length === 0) {
        this.#waiting.delete(id)
        return
      }
      this.#waiting.set(id, [])
      await this.#appendAll(id, waiting)
    }
  }

  /** Never rejects. Each call has an outcome of its own: one that does not fit holds up no other. */
  async #appendAll(id: string, waiting: readonly Waiting<T>[]): Promise<void> {
    let outcomes: readonly (SessionChange | CacheError)[] = []
    try {
      await this.#change(id, (before, isNew) => {
        let session = before
        outcomes = waiting.map(({ items }) => {
          try {
            session = withAppended(session, items, this.#rules)
            return changeOf(session, isNew)
          } catch (error) {
            if (error instanceof CacheError && error.code === 'SESSION_FULL') return error
            throw error
          }
        })
        return session === before ? undefined : session
      })
      waiting.forEach(({ settle }, i) => void settle(outcomes[i] as SessionChange | CacheError))
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }

  /** Rejects with `SESSION_ENDED`. */
  async #change(
    id: string,
    fn: (before: LiveSession<T>, isNew: boolean) => LiveSession<T> | undefined | Promise<LiveSession<T> | undefined>,
  ): Promise<void> {
    const { maxAgeMs } = this.#rules
    await this.#sessions.update<SessionState<T>>(
      id,
      async (state, { ttl }) => {
        if (state === 'ended') throw ended(id)
        const nowMs = Date.now()
        const isNew = state === undefined || nowMs - state.startedAtMs >= maxAgeMs
        const before = isNew ? emptySession(nowMs) : state
        const after = await fn(before, isNew)
        if (after !== undefined) ttl((before.startedAtMs + maxAgeMs - nowMs) as Duration)
        return after
      },
      { tags: this.#tagsOf(id), retries: RETRIES },
    )
  }

  #tagsOf(id: string): readonly string[] {
    return this.#tags?.(id) ?? []
  }
}

function changeOf({ version, items }: LiveSession<unknown>, isNew: boolean): SessionChange {
  return { version, count: items.length, isNew }
}

function ended(id: string): CacheError {
  return new CacheError(
    'SESSION_ENDED',
    `expected session ${JSON.stringify(id.slice(0, 60))} to be open; it has ended. Nothing was appended: begin a session with another id`,
  )
}

/** The last items, as the options of `items` say, in an array of the caller's own. Throws `INVALID_OPTION`. */
export function lastOf<T>(items: readonly T[], options: ItemsOptions | undefined): readonly T[] {
  const { last } = checkOptions(options, ['last'], 'items') ?? {}
  if (last === undefined) return items.slice()
  return items.slice(Math.max(0, items.length - checkCount(last, 'last', 0, Number.MAX_SAFE_INTEGER)))
}
