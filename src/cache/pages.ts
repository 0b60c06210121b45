// `cache.pages(name, …)`: a list that comes in pages, each cached under its cursor, the next one fetched while this one is used.
import type { CallScope, Core } from '../flow/core.js'
import type { Reader } from '../flow/read/read.js'
import type { WriteResult } from '../flow/sync/outbox.js'
import type { Writer } from '../flow/write/write.js'
import { CacheError, show } from '../model/errors.js'
import { encodeArguments } from '../model/keys/arguments.js'
import { childSpace, type Version } from '../model/keys/key.js'
import { checkCount, checkNames, checkOptions, invalid, refuseMore } from '../model/option-rules.js'
import type { CallOptions, LoadContext, PolicyOptions } from '../model/options/options.js'
import { POLICY_OPTIONS, resolvePolicy } from '../model/options/policy.js'
import type { StandardSchema } from '../model/values/schema.js'
import type { NameRegistry } from './registry/name-registry.js'
import type { RequestScopes } from './request-scope/request-scope.js'

/** A part of a list. `next` is the cursor of what follows; `undefined` or `null` at the end. */
export interface Page<T = unknown, C = unknown> {
  readonly items: readonly T[]
  readonly next?: C | null | undefined
}

/** A list that comes in pages. A cursor is anything that can be an argument of a wrapped function: a number, a string, an object. */
export interface PagesDefinition<T, C> extends PolicyOptions {
  /** Loads the page at `cursor`; the first page has none. */
  readonly loadPage: (cursor: C | undefined, ctx: LoadContext) => Page<T, C> | Promise<Page<T, C>>
  /** How many pages beyond the one in use are fetched in the background. Default 1; 0: none. */
  readonly prefetch?: number | undefined
  /** Another version is another list. */
  readonly version?: Version | undefined
  /** Of every page, besides what `invalidate()` needs. */
  readonly tags?: readonly string[] | ((page: Page<T, C>, key: string) => readonly string[]) | undefined
  readonly schema?: StandardSchema<Page<T, C>> | undefined
}

/** Options of reading pages. */
export interface PageReadOptions {
  /** Lets this reader leave; a load that others wait for goes on. */
  readonly signal?: AbortSignal | undefined
}

/** A cached list in pages. `for await (const item of list)` walks over its items from the first page on. */
export interface Pages<T, C> extends AsyncIterable<T> {
  /** The page at `cursor`, by default the first. Rejects with what `loadPage` threw, unless a stale page may answer. */
  page(cursor?: C, options?: PageReadOptions): Promise<Page<T, C>>
  /** Page by page, from `cursor` or the first page on. */
  from(cursor?: C, options?: PageReadOptions): AsyncIterable<Page<T, C>>
  /** No page must ever be served again: one command, however many there are. Whoever walks the list goes on with new pages. */
  invalidate(): Promise<WriteResult>
}

/** What of a cache lists in pages need. */
export interface PagesParts {
  readonly core: Core
  readonly reader: Reader
  readonly writer: Writer
  readonly requests: RequestScopes
  readonly names: NameRegistry
}

const PAGES_OPTIONS: readonly string[] = [...POLICY_OPTIONS, 'loadPage', 'prefetch', 'version', 'tags']
const MAX_PREFETCH = 100
const MAX_COMING = 1_000

/** A list of `parent`; its pages live in a namespace of its name. Throws `INVALID_OPTION`, `INVALID_KEY`. */
export class CachedPages<T, C> implements Pages<T, C> {
  readonly #parts: PagesParts
  readonly #scope: CallScope
  readonly #loadPage: PagesDefinition<T, C>['loadPage']
  readonly #options: CallOptions<Page<T, C>>
  readonly #prefetch: number
  /** Pages that are being fetched ahead. */
  readonly #coming = new Set<string>()

  constructor(parts: PagesParts, parent: CallScope, name: string, definition: PagesDefinition<T, C>) {
    const { loadPage, prefetch = 1, version, tags, ...policy } = checkNames(definition, PAGES_OPTIONS, 'pages')
    if (typeof loadPage !== 'function')
      throw invalid('loadPage', 'a function of a cursor that returns { items, next }', loadPage)
    this.#parts = parts
    this.#loadPage = loadPage
    this.#options = { tags }
    this.#prefetch = checkCount(prefetch, 'prefetch', 0, MAX_PREFETCH)
    const space = childSpace(parent.space, name, version)
    this.#scope = { space, policy: resolvePolicy(parent.policy, policy) }
    resolvePolicy(parent.policy, this.#options)
    parts.names.claim(space.scope, { kind: 'list', name, owner: loadPage, text: String(loadPage) })
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
      'nothing and means every page: a change moves items between pages',
    )
    return this.#parts.writer.clear(this.#scope)
  }

  /** `''` for the first page: no encoded cursor is empty. */
  #key(cursor: C | undefined): string {
    return encodeArguments([cursor])
  }

  #loaderOf(cursor: C | undefined): (context: LoadContext) => Promise<Page<T, C>> {
    return async (context) => checkPage(await this.#loadPage(cursor, context), this.#scope.space.scope)
  }

  /** Fetches what follows `page` behind the caller's back: as one of the cache's bounded refreshes, outside of requests and loads. */
  #prefetchAfter(page: Page<T, C>, count: number): void {
    const { core, reader, requests } = this.#parts
    let last: Page<T, C> | undefined = page
    for (let ahead = count; ahead > 0 && last !== undefined; ahead--) {
      const cursor: C | null | undefined = last.next
      if (cursor === undefined || cursor === null) return
      const key = this.#key(cursor)
      last = reader.peek(this.#scope, key) as Page<T, C> | undefined
      if (last !== undefined) continue
      const isBusy = this.#coming.size === MAX_COMING || !core.background.hasRoomForRefresh
      if (isBusy || this.#coming.has(key)) return
      this.#coming.add(key)
      const fetch = () => this.#fetch(key, cursor, ahead - 1)
      requests.outside(() => core.running.exit(() => core.background.refresh('prefetch', fetch)))()
    }
  }

  async #fetch(key: string, cursor: C, ahead: number): Promise<void> {
    try {
      const page = await this.#parts.reader.getOrSet(this.#scope, key, this.#loaderOf(cursor), this.#options)
      this.#prefetchAfter(page, ahead)
    } catch {
      // The event loadFailed has told of it; whoever wants the page loads it again and gets the error.
    } finally {
      this.#coming.delete(key)
    }
  }
}

function checkPage<P extends Page>(page: P, scope: string): P {
  if (Array.isArray((page as Page | undefined)?.items)) return page
  throw new CacheError(
    'INVALID_OPTION',
    `loadPage of ${scope} must answer { items: […], next }; got ${typeof page === 'string' ? 'a text' : show(page)}`,
  )
}
