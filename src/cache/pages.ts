// `cache.pages(name, …)`: a list in pages. Each page is cached under its cursor, and the next one is fetched while one is in use.
import type { Core } from '../flow/core.js'
import { childScope } from '../flow/entries/scope-of-call.js'
import type { CallScope } from '../flow/flights/call-scope.js'
import type { Reader } from '../flow/read/read.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import type { Writer } from '../flow/write/write.js'
import { CacheError, show } from '../model/errors.js'
import { encodeArguments } from '../model/keys/arguments.js'
import type { Version } from '../model/keys/key.js'
import { checkCount, checkNames, checkOptions, invalid, refuseMore } from '../model/option-rules.js'
import type { CallOptions, LoadContext, PolicyOptions } from '../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../model/options/policy.js'
import type { Milliseconds } from '../model/ports.js'
import type { StandardSchema } from '../model/values/schema.js'
import type { NameRegistry } from './registry/name-registry.js'
import type { RequestScopes } from './request-scope/request-scope.js'
import { INVALIDATE_HELD } from './wrap/invalidate-held.js'

/** One page of a list. `next` is the cursor of the following page, and `undefined` or `null` on the last one. */
export interface Page<T = unknown, C = unknown> {
  /** The rows of this page, in order. */
  readonly items: readonly T[]
  /** What `load` gets as the cursor of the following page. */
  readonly next?: C | null | undefined
}

/**
 * Defines a list in pages: how a page is loaded, and how long it is cached. A cursor is anything that can be an argument of a wrapped
 * function, such as a number, a string or a plain object.
 */
export interface PagesDefinition<T, C> extends PolicyOptions {
  /** Loads the page at `cursor`, which is `undefined` for the first page. */
  readonly loadPage: (cursor: C | undefined, ctx: LoadContext) => Page<T, C> | Promise<Page<T, C>>
  /** How many pages after the one in use are fetched in the background, 0 to 100. Default 1. */
  readonly prefetch?: number | undefined
  /** Part of the keys: pages of another version are never served. */
  readonly version?: Version | undefined
  /** Tags of every page. `invalidate()` needs none. */
  readonly tags?: readonly string[] | ((page: Page<T, C>, key: string) => readonly string[]) | undefined
  readonly schema?: StandardSchema<Page<T, C>> | undefined
}

/** Options of reading pages. */
export interface PageReadOptions {
  /** Ends the wait of this reader. A load that others wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/** A cached list in pages. `for await (const item of list)` iterates over its items, from the first page on. */
export interface Pages<T, C> extends AsyncIterable<T> {
  /** Returns the page at `cursor`, by default the first one. Rejects with what `loadPage` threw, unless `staleIfError` allows a stale page. */
  page(cursor?: C, options?: PageReadOptions): Promise<Page<T, C>>
  /** Iterates over the pages, from `cursor` or from the first page on. */
  from(cursor?: C, options?: PageReadOptions): AsyncIterable<Page<T, C>>
  /** Removes all cached pages: none is ever served again. Costs one command, however many there are. An iteration under way goes on with new pages. */
  invalidate(): Promise<WriteResult>
}

/** The parts of a cache that a list in pages needs. */
export interface PagesParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
  readonly requests: RequestScopes
  readonly names: NameRegistry
}

const PAGES_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'loadPage', 'prefetch', 'version', 'tags']
const MAX_PREFETCH = 100
/** Pages of one list that are prefetched at once. */
const MAX_PREFETCHING = 1_000

/** A list in pages, which live in a namespace of its name. The constructor throws `INVALID_OPTION` and `INVALID_KEY`. */
export class CachedPages<T, C> implements Pages<T, C> {
  readonly #parts: PagesParts
  readonly #scope: CallScope
  readonly #loadPage: PagesDefinition<T, C>['loadPage']
  readonly #options: CallOptions<Page<T, C>>
  readonly #prefetch: number
  /** Keys of the pages that are being prefetched. */
  readonly #prefetching = new Set<string>()

  constructor(parts: PagesParts, parent: CallScope, name: string, definition: PagesDefinition<T, C>) {
    const { loadPage, prefetch = 1, version, tags, ...policy } = checkNames(definition, PAGES_OPTIONS, 'pages')
    if (typeof loadPage !== 'function')
      throw invalid('loadPage', 'a function of a cursor that returns { items, next }', loadPage)
    this.#parts = parts
    this.#loadPage = loadPage
    this.#options = { tags }
    this.#prefetch = checkCount(prefetch, 'prefetch', 0, MAX_PREFETCH)
    this.#scope = childScope(parent, name, version, resolvePolicy(parent.policy, policy))
    resolvePolicy(parent.policy, this.#options)
    parts.names.claim(this.#scope.space.scope, { kind: 'list', name, owner: loadPage, text: String(loadPage) })
  }

  async page(cursor?: C, options?: PageReadOptions): Promise<Page<T, C>> {
    const signal = checkOptions(options, ['signal'], 'page')?.signal
    const callOptions = signal === undefined ? this.#options : { ...this.#options, signal }
    const { reads } = this.#parts.requests
    const page = await reads.getOrSet(this.#scope, this.#key(cursor), this.#loaderOf(cursor), callOptions)
    this.#prefetchAfter(page, this.#prefetch)
    return page
  }

  async *from(cursor?: C, options?: PageReadOptions): AsyncGenerator<Page<T, C>, void, undefined> {
    let next: C | null | undefined = cursor
    do {
      const page: Page<T, C> = await this.page(next ?? undefined, options)
      yield page
      next = page.next
    } while (next !== undefined && next !== null)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for await (const { items } of this.from()) yield* items
  }

  async invalidate(...others: readonly unknown[]): Promise<WriteResult> {
    refuseMore(
      others,
      'invalidate() of a list in pages',
      'no argument and invalidates every page, because a change moves items between pages',
    )
    return this.#parts.writer.clear(this.#scope)
  }

  [INVALIDATE_HELD](holdMs: Milliseconds): Promise<WriteResult> {
    return this.#parts.writer.clear(this.#scope, holdMs)
  }

  /** The key of the first page is `''`: no encoded cursor is empty. */
  #key(cursor: C | undefined): string {
    return encodeArguments([cursor])
  }

  #loaderOf(cursor: C | undefined): (context: LoadContext) => Promise<Page<T, C>> {
    return async (context) => checkPage(await this.#loadPage(cursor, context), this.#scope.space.scope)
  }

  /** Fetches the pages after `page` in the background: as refreshes of the cache, which are bounded, and outside request scopes and loads. */
  #prefetchAfter(page: Page<T, C>, count: number): void {
    const { core, reader, requests } = this.#parts
    let last: Page<T, C> | undefined = page
    for (let ahead = count; ahead > 0 && last !== undefined; ahead--) {
      const cursor: C | null | undefined = last.next
      if (cursor === undefined || cursor === null) return
      const key = this.#key(cursor)
      last = reader.peek(this.#scope, key) as Page<T, C> | undefined
      if (last !== undefined) continue
      const isBusy = this.#prefetching.size === MAX_PREFETCHING || !core.background.hasRoomForRefresh
      if (isBusy || this.#prefetching.has(key)) return
      this.#prefetching.add(key)
      const fetch = () => this.#fetch(key, cursor, ahead - 1)
      requests.outside(() => core.running.exit(() => core.background.refresh('prefetch', fetch)))()
    }
  }

  async #fetch(key: string, cursor: C, ahead: number): Promise<void> {
    try {
      const page = await this.#parts.reader.getOrSet(this.#scope, key, this.#loaderOf(cursor), this.#options)
      this.#prefetchAfter(page, ahead)
    } catch {
      // The event loadFailed reports it. A caller that needs the page loads it again and gets the error.
    } finally {
      this.#prefetching.delete(key)
    }
  }
}

function checkPage<P extends Page>(page: P, scope: string): P {
  if (Array.isArray((page as Page | undefined)?.items)) return page
  throw new CacheError(
    'INVALID_OPTION',
    `loadPage of ${scope} must return { items: […], next }; got ${typeof page === 'string' ? 'a string' : show(page)}`,
  )
}
