// The request scope (L0): while `cache.requestScope(fn)` runs, each key is read once and keeps its value, even if others change it.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Core } from '../../flow/core.js'
import type { Reader } from '../../flow/read/read.js'
import { checkMethods, checkOptions, invalid } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import { isThenable } from '../../model/thenable.js'
import { setImmediate } from '../../model/time/real-timers.js'
import type { Timed } from '../../tiers/deadlines.js'
import { type Reads, RequestMemory } from './request-memory.js'

/** Options of `requestScope`. */
export interface RequestScopeOptions {
  /** Ends the scope, instead of the promise that `work` returns: a promise that settles, or a response that emits 'finish' or 'close'. */
  readonly until?: ScopeEnd | undefined
  /** The longest life of a scope that nothing else ends. Default '5m'. */
  readonly limit?: Duration | undefined
}

/** What can end a scope: a promise that settles, or a response that is over. */
export type ScopeEnd = PromiseLike<unknown> | EndingResponse

/** The part of an HTTP response that the scope uses. Responses of Node, Express and Fastify (`reply.raw`) have it. */
export interface EndingResponse {
  once(event: 'finish' | 'close', listener: () => void): unknown
  readonly writableEnded?: boolean
  readonly destroyed?: boolean
}

/** A request scope that its owner ends: with `end()`, or at the end of a block that declares `using scope = cache.openRequestScope()`. */
export interface OpenRequestScope {
  /** Runs `work` in the scope and returns what it returns. Once the scope has ended, `work` runs without a scope. */
  run<T>(work: () => T): T
  /** Ends the scope and discards what it has read. A second call does nothing. A scope inside an outer one ends with the outer one. */
  end(): void
  [Symbol.dispose](): void
}

/**
 * The request scopes of one cache and its namespaces. While none is open, a read costs one comparison more; the async context is only
 * read while one is open (bench/micro/request-scope.ts).
 */
export class RequestScopes {
  /** How many scopes are open now. */
  openScopes = 0
  /** Each of these notices is reported once. */
  #isEndReported = false
  #isLimitReported = false
  readonly #core: Core
  readonly #reader: Reader
  #storage: AsyncLocalStorage<RequestMemory | undefined> | undefined

  constructor(core: Core, reader: Reader) {
    this.#core = core
    this.#reader = reader
  }

  /** What serves the reads of the current call: the memory of its scope, or the flow. */
  get reads(): Reads {
    return (this.openScopes === 0 ? undefined : this.#current) ?? this.#reader
  }

  get #current(): RequestMemory | undefined {
    const memory = this.#storage?.getStore()
    return memory?.isOver === false ? memory : undefined
  }

  /**
   * Runs `work` in a scope that ends when the promise that it returns has settled, or with `until`. A scope inside another one is part of it.
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

  /** Opens a scope that its caller or its limit ends. A scope inside another one is part of it. */
  open(limit: Duration | undefined): OpenRequestScope {
    this.#core.assertOpen()
    const limitMs = toMs(limit ?? DEFAULT_LIMIT, 'limit', 'positive')
    const outer = this.#current
    if (outer !== undefined) return new PartOfScope((work) => this.#runIn(outer, work))
    if (this.openScopes === MAX_OPEN) {
      this.#notEnded(`${MAX_OPEN} request scopes are open, so no more are opened: reads run without a scope`)
      return new PartOfScope((work) => work())
    }
    this.#storage ??= this.#start()
    const memory = new RequestMemory(this.#core, this.#reader, (load) => this.outside(load))
    const { limits, clock } = this.#core
    const due: Timed = {
      place: -1,
      dueAtMs: clock.nowMs() + limitMs,
      onDue: () => {
        this.#notEnded(`a request scope was still open after ${limitMs} ms, its limit, and was ended`)
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
    // Once the scope is over, or while none is open and the storage is disabled, there is nothing to run in.
    return memory.isOver || this.#storage === undefined ? work() : this.#storage.run(memory, work)
  }

  /** Before Node 24 an enabled storage slows every promise of the process down. A burst of scopes disables it once, at its end. */
  #disableSoon(): void {
    setImmediate(() => {
      if (this.openScopes === 0) this.#storage?.disable()
    })
  }

  #endsEarly(): void {
    if (this.#isEndReported) return
    this.#isEndReported = true
    const detail =
      'the work of cache.requestScope() returned undefined, so its scope ended at once, before anything that it started. Return the promise ' +
      'of the work, or pass what ends the scope, as in cache.requestScope(next, { until: response })'
    this.#core.recorder.notices.report('SCOPE_ENDED_EARLY', detail)
  }

  #notEnded(what: string): void {
    if (this.#isLimitReported) return
    this.#isLimitReported = true
    const cure = 'End each scope: by the promise that its work returns, by { until: response }, or by end()'
    this.#core.recorder.notices.report('SCOPES_NOT_ENDED', `${what}. ${cure}`)
  }

  /**
   * Returns `load` wrapped so that it runs outside every scope. Its value is shared with all callers, so it must not be computed from
   * what one request remembers, which may have been invalidated since.
   */
  outside<F>(load: F): F {
    const storage = this.#storage
    if (storage === undefined || typeof load !== 'function') return load
    return ((...args: unknown[]) =>
      storage.run(undefined, load as unknown as (...args: unknown[]) => unknown, ...args)) as F
  }

  #start(): AsyncLocalStorage<RequestMemory | undefined> {
    // Called in the async context of the change: so a scope sees the changes that its own work makes, and no others.
    this.#core.local.watcher = {
      keyOutdated: (localKey) => this.#current?.forgetKey(localKey),
      prefixesOutdated: (localPrefixes) => this.#current?.forgetPrefixes(localPrefixes),
      labelsOutdated: (labels) => this.#current?.forgetLabels(labels),
      held: (untilMs) => this.#current?.held(untilMs),
    }
    return new AsyncLocalStorage()
  }
}

/** What users get: a whole scope, or a part of an outer one. */
class PartOfScope implements OpenRequestScope {
  constructor(
    readonly run: <T>(work: () => T) => T,
    readonly end: () => void = () => undefined,
  ) {}

  [Symbol.dispose](): void {
    this.end()
  }
}

/** Calls `end` once `until` is over. A response that is over already emits no more events, so it is asked first. */
function whenOver(until: ScopeEnd, end: () => void): void {
  if (isThenable(until)) void until.then(end, end)
  else if (until.writableEnded === true || until.destroyed === true) end()
  else for (const event of ['finish', 'close'] as const) until.once(event, end)
}

const DEFAULT_LIMIT: Duration = '5m'
/** Scopes that may be open at once. */
const MAX_OPEN = 10_000
