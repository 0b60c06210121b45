// The request scope (L0): while `cache.requestScope(fn)` runs, a key is read once and stays the same, whoever changes it meanwhile.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Core } from '../../flow/core.js'
import type { Reader } from '../../flow/read/read.js'
import { checkMethods, checkOptions, invalid } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import { isThenable } from '../../model/thenable.js'
import { setImmediate } from '../../model/time/real-timers.js'
import type { Timed } from '../../tiers/deadlines.js'
import { type Reads, RequestMemory } from './request-memory.js'

/** Options of `scope`. */
export interface RequestScopeOptions {
  /** The scope lasts until this is over, and not until `work` has settled: a promise, or a response, which emits 'finish' or 'close'. */
  readonly until?: ScopeEnd | undefined
  /** Ends a scope that nothing else has ended. Default '5m'. */
  readonly limit?: Duration | undefined
}

/** What a scope can last until. */
export type ScopeEnd = PromiseLike<unknown> | EndingResponse

/** What of a response is needed: those of Node, Express, Fastify (`reply.raw`) have it. */
export interface EndingResponse {
  once(event: 'finish' | 'close', listener: () => void): unknown
  readonly writableEnded?: boolean
  readonly destroyed?: boolean
}

/** A scope that is ended by hand: `using scope = cache.openRequestScope()` ends it with its block. */
export interface OpenRequestScope {
  /** Runs `work` within the scope, and returns what it returns. Once the scope has ended, `work` runs without. */
  run<T>(work: () => T): T
  /** Forgets all that was read. Ending it again changes nothing; a part of an outer scope ends with that. */
  end(): void
  [Symbol.dispose](): void
}

/**
 * The scopes of one cache and its namespaces. While none is open a read pays for one comparison; the context of async calls is
 * looked at only while one is (bench/micro/request-scope.ts).
 */
export class RequestScopes {
  /** How many scopes are open now. */
  openScopes = 0
  /** Each is reported once. */
  #isEndReported = false
  #isLimitReported = false
  readonly #core: Core
  readonly #reader: Reader
  #storage: AsyncLocalStorage<RequestMemory | undefined> | undefined

  constructor(core: Core, reader: Reader) {
    this.#core = core
    this.#reader = reader
  }

  /** What reads of the present call go to. */
  get reads(): Reads {
    return (this.openScopes === 0 ? undefined : this.#current) ?? this.#reader
  }

  get #current(): RequestMemory | undefined {
    const memory = this.#storage?.getStore()
    return memory?.isOver === false ? memory : undefined
  }

  /**
   * Runs `work` in a scope that ends when what it returns has settled, or with `until`. Inside of another scope it is part of that one.
   */
  run<T>(work: () => T, options: RequestScopeOptions | undefined): T {
    const own = checkOptions(options, ['until', 'limit'], 'requestScope')
    const until = own?.until
    if (until !== undefined && !isThenable(until))
      checkMethods(until, 'until', ['once'], 'a promise or a response, which emits finish or close')
    if (typeof work !== 'function') throw invalid('the first argument of requestScope', 'a function', work)
    const scope = this.open(own?.limit)
    let result: T
    try {
      result = scope.run(work)
    } catch (error) {
      scope.end()
      throw error
    }
    if (until !== undefined) whenOver(until, () => scope.end())
    else if (isThenable(result))
      void result.then(
        () => scope.end(),
        () => scope.end(),
      )
    else {
      if (result === undefined) this.#endsEarly()
      scope.end()
    }
    return result
  }

  /** A scope that its caller ends, or its limit. Inside of another scope it is part of that one. */
  open(limit: Duration | undefined): OpenRequestScope {
    this.#core.assertOpen()
    const limitMs = toMs(limit ?? DEFAULT_LIMIT, 'limit', 'positive')
    const outer = this.#current
    if (outer !== undefined) return new PartOfScope((work) => this.#runIn(outer, work))
    if (this.openScopes === MAX_OPEN) {
      this.#notEnded(`${MAX_OPEN} request scopes are open, so no more are opened: reads are made without`)
      return new PartOfScope((work) => work())
    }
    this.#storage ??= this.#start()
    const memory = new RequestMemory(this.#core, this.#reader, (load) => this.outside(load))
    const { limits, clock } = this.#core
    const due: Timed = {
      place: -1,
      dueAtMs: clock.nowMs() + limitMs,
      onDue: () => {
        this.#notEnded(`a request scope was open for its whole limit of ${limitMs} ms and ended by that`)
        end()
      },
    }
    const end = () => {
      if (memory.isOver) return
      memory.end()
      limits.remove(due)
      this.openScopes--
      if (this.openScopes === 0) this.#disableSoon()
    }
    this.openScopes++
    if (limitMs < Number.POSITIVE_INFINITY) limits.add(due)
    return new PartOfScope((work) => this.#runIn(memory, work), end)
  }

  #runIn<T>(memory: RequestMemory, work: () => T): T {
    // Once it is over, or while no scope is open and the storage is switched off, there is nothing to run in.
    return memory.isOver || this.#storage === undefined ? work() : this.#storage.run(memory, work)
  }

  /** Before Node 24 every promise of the process pays for an enabled storage. A burst of scopes switches once. */
  #disableSoon(): void {
    setImmediate(() => {
      if (this.openScopes === 0) this.#storage?.disable()
    })
  }

  #endsEarly(): void {
    if (this.#isEndReported) return
    this.#isEndReported = true
    const detail =
      'the work of cache.requestScope() returned undefined, so its scope was over at once, before anything that it started. Return the promise ' +
      'of the work, or pass what it lasts until, as in cache.requestScope(next, { until: response })'
    this.#core.recorder.notices.report('SCOPE_ENDED_EARLY', detail)
  }

  #notEnded(what: string): void {
    if (this.#isLimitReported) return
    this.#isLimitReported = true
    const cure = 'End each: by the promise that its work returns, by { until: response }, or by end()'
    this.#core.recorder.notices.report('SCOPES_NOT_ENDED', `${what}. ${cure}`)
  }

  /**
   * `load` as it is called outside of every scope. What it loads is shared with everybody, so it must not be made of what one
   * request remembers: that may have been invalidated since.
   */
  outside<F>(load: F): F {
    const storage = this.#storage
    if (storage === undefined || typeof load !== 'function') return load
    return ((...args: unknown[]) =>
      storage.run(undefined, load as unknown as (...args: unknown[]) => unknown, ...args)) as F
  }

  #start(): AsyncLocalStorage<RequestMemory | undefined> {
    // Changes are told in the async context of whoever makes them: a scope sees its own and no others.
    this.#core.local.watcher = {
      keyOutdated: (localKey) => this.#current?.forgetKey(localKey),
      prefixesOutdated: (localPrefixes) => this.#current?.forgetPrefixes(localPrefixes),
      labelsOutdated: (labels) => this.#current?.forgetLabels(labels),
    }
    return new AsyncLocalStorage()
  }
}

/** What users hold of a scope, or of a part of one. */
class PartOfScope implements OpenRequestScope {
  constructor(
    readonly run: <T>(work: () => T) => T,
    readonly end: () => void = () => undefined,
  ) {}

  [Symbol.dispose](): void {
    this.end()
  }
}

/** A response that is over already emits nothing any more. */
function whenOver(until: ScopeEnd, end: () => void): void {
  if (isThenable(until)) void until.then(end, end)
  else if (until.writableEnded === true || until.destroyed === true) end()
  else for (const event of ['finish', 'close'] as const) until.once(event, end)
}

const DEFAULT_LIMIT: Duration = '5m'
/** Scopes open at once. */
const MAX_OPEN = 10_000
