// One call of the user's loader: the context that it gets, and what it says there about its value.

import { CacheError } from '../../model/errors.js'
import type { LoadReason } from '../../model/events/events.js'
import { MAX_ETAG_CHARACTERS, MAX_TAGS } from '../../model/limits.js'
import { invalid, refuseMore } from '../../model/option-rules.js'
import { type Duration, toMs } from '../../model/options/duration.js'
import type { LoadContext, Loader, StaleValue } from '../../model/options/options.js'
import type { Milliseconds } from '../../model/ports.js'
import type { OwnWindows } from '../entries/make-entry.js'
import { checkTagList, tooMany } from '../entries/tags.js'
import type { Flight } from '../flights/flight.js'
import type { RunningLoads } from '../flights/running-loads.js'

/** What a loader returned. `use` says what happens to it besides going to the callers. */
export interface Loaded {
  /** What its callers get. */
  readonly value: unknown
  /** What L2 keeps: what the loader returned, before the schema. */
  readonly input: unknown
  /** Why no tier may keep it. */
  readonly refusal: CacheError | undefined
  /** `false` if it is not known what L2 would have to keep. */
  readonly isForL2: boolean
  /** keep: cache it. renew: it is the stale value, still good. skip: cache nothing. */
  readonly use: 'keep' | 'renew' | 'skip'
  /** What the context set instead of the policy. */
  readonly windows: OwnWindows
  /** What `ctx.tags()` added. */
  readonly tags: readonly string[]
  readonly etag: string | undefined
  /** The error of an invalid call on the context: then it is not known how to keep the value. */
  readonly failure: CacheError | undefined
}

/** Calls `load` for a flight, synchronously. Rejects with exactly what the loader threw or rejected with, or once the flight is aborted. */
export function runLoader(
  load: Loader<unknown>,
  key: string,
  flight: Flight,
  stale: StaleValue | undefined,
  running: RunningLoads,
): Loaded | Promise<Loaded> {
  const context = new Context(key, flight, stale)
  // `running` knows which flight a nested call comes from, so that a loader that would wait for itself gets an error.
  let value: unknown
  try {
    value = running.run(flight, load, context)
  } catch (error) {
    return Promise.reject(error)
  }
  return value instanceof Promise
    ? flight.untilAborted(value, (loaded) => context.finish(loaded))
    : context.finish(value)
}

const NO_TAGS: readonly string[] = []

class Context implements LoadContext {
  readonly reason: LoadReason
  #ttlMs: Milliseconds | undefined
  #staleWhileRevalidateMs: Milliseconds | undefined
  #staleIfErrorMs: Milliseconds | undefined
  #etag: string | undefined
  #use: Loaded['use'] = 'keep'
  #failure: CacheError | undefined
  #tags: Set<string> | undefined
  readonly #flight: Flight

  constructor(
    readonly key: string,
    flight: Flight,
    readonly stale: StaleValue | undefined,
  ) {
    this.#flight = flight
    this.reason = flight.reason
    // Bound, because loaders destructure their context.
    this.ttl = this.ttl.bind(this)
    this.staleWhileRevalidate = this.staleWhileRevalidate.bind(this)
    this.staleIfError = this.staleIfError.bind(this)
    this.tags = this.tags.bind(this)
    this.etag = this.etag.bind(this)
    this.notModified = this.notModified.bind(this)
    this.skip = this.skip.bind(this)
  }

  get signal(): AbortSignal {
    return this.#flight.signal
  }

  // An invalid call on the context does not fail the load: the value is served and kept nowhere, and the mistake is reported.

  ttl(duration: Duration): void {
    this.#ttlMs = this.#msOf(duration, 'ctx.ttl()')
  }

  staleWhileRevalidate(duration: Duration): void {
    this.#staleWhileRevalidateMs = this.#msOf(duration, 'ctx.staleWhileRevalidate()')
  }

  staleIfError(duration: Duration): void {
    this.#staleIfErrorMs = this.#msOf(duration, 'ctx.staleIfError()')
  }

  #msOf(duration: Duration, call: string): Milliseconds | undefined {
    try {
      return toMs(duration, call)
    } catch (error) {
      this.#failed('OPTION_FAILED', error as CacheError)
      return undefined
    }
  }

  tags(tags: string | readonly string[], ...others: readonly unknown[]): void {
    try {
      refuseMore(others, 'ctx.tags()', "one tag or an array, as in ctx.tags(['a', 'b'])")
      // Not by a spread, whose length is limited by the stack.
      this.#tags ??= new Set()
      for (const tag of checkTagList(tags, 'the argument of ctx.tags()')) this.#tags.add(tag)
      if (this.#tags.size > MAX_TAGS) throw tooMany(this.#tags.size, 'ctx.tags()')
    } catch (error) {
      this.#failed('TAGS_FAILED', error as CacheError)
    }
  }

  etag(etag: string): void {
    if (typeof etag === 'string' && etag.length <= MAX_ETAG_CHARACTERS) this.#etag = etag
    else
      this.#failed(
        'OPTION_FAILED',
        invalid('the argument of ctx.etag()', `a string of at most ${MAX_ETAG_CHARACTERS} characters`, etag),
      )
  }

  notModified(): never {
    if (this.stale === undefined) {
      throw new CacheError(
        'INVALID_OPTION',
        'ctx.notModified() expects a stale value to keep (ctx.stale); there is none. Load the value when ctx.stale is undefined',
      )
    }
    this.#use = 'renew'
    // The type `never` lets `return ctx.notModified()` fit a loader of any type. What is returned is the stale value.
    return this.stale.value as never
  }

  skip(): void {
    this.#use = 'skip'
  }

  finish(value: unknown): Loaded {
    const etag = this.#etag ?? (this.#use === 'renew' ? this.stale?.etag : undefined)
    const use = this.#failure === undefined ? this.#use : 'skip'
    return {
      value,
      input: value,
      refusal: undefined,
      isForL2: true,
      use,
      windows: {
        ttlMs: this.#ttlMs,
        staleWhileRevalidateMs: this.#staleWhileRevalidateMs,
        staleIfErrorMs: this.#staleIfErrorMs,
      },
      tags: this.#tags === undefined ? NO_TAGS : [...this.#tags],
      etag,
      failure: this.#failure,
    }
  }

  #failed(code: 'TAGS_FAILED' | 'OPTION_FAILED', { message }: CacheError): void {
    this.#failure ??= new CacheError(code, `${message}. The value is served and kept in no tier`)
  }
}
