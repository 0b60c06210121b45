// Notices: what an operator should know, each kind once in the life of a cache.
import { CacheError, showName } from '../../model/errors.js'
import type { Events } from '../../model/events/events.js'
import { userKeyOf } from '../../model/keys/key.js'
import { kindOfRefusal } from '../../model/values/refused-value.js'

/** How many kinds are remembered: bounded, whatever names applications make up. */
const MAX_KINDS = 1_000

export class Notices {
  readonly #known = new Set<string>()

  constructor(
    private readonly events: Events,
    /** A key as events and messages show it. */
    private readonly shown: (key: string) => string,
  ) {}

  /** Reports now, each time; see `NOTICE_LEVELS` for the codes. */
  report(code: string, detail: string, error?: Error): void {
    if (!this.events.has('notice')) return
    this.events.emit('notice', error === undefined ? { code, detail } : { code, detail, error })
  }

  /** Reports `error` once per scope and code. */
  once(scope: string, error: CacheError): void {
    if (this.#isFirst(`${error.code} ${scope}`)) this.report(error.code, error.message, error)
  }

  /** No tier keeps a value. Once per reason, such as the class of the value. */
  valueNotKept(scope: string, error: CacheError): void {
    if (!this.#isFirst(`VALUE_NOT_KEPT ${kindOfRefusal(error)}`)) return
    // Without the key, which may be private: this goes to logs.
    const detail = `${scope} keeps a value in no tier, so that each read loads it anew: ${error.message}`
    this.report('VALUE_NOT_KEPT', detail, error)
  }

  /** A caller changed a value that memory shares. Once per key. */
  valueChanged(scope: string, localKey: string): void {
    if (!this.#isFirst(`VALUE_CHANGED ${localKey}`)) return
    const message =
      `the value of ${showName(this.shown(userKeyOf(localKey)))} in ${scope} was changed by a caller that got it from the cache: with ` +
      "l1.values: 'shared' all later callers would get the change. Copy what you change; l1.values: 'frozen' throws where it happens"
    this.report('VALUE_CHANGED', message, new CacheError('VALUE_CHANGED', message))
  }

  /** A value exceeds the bounds of L1: each read asks L2 for it, or loads it. */
  tooLargeForL1(key: string, bytes: number): void {
    this.report(
      'L1_TOO_LARGE',
      `the value of ${showName(this.shown(key))} takes about ${bytes} bytes and exceeds l1.maxBytes or l1.maxEntryBytes: memory does not keep it. ` +
        'Raise the bound, or cache smaller parts',
    )
  }

  /** A kind that nobody listens to is not used up. */
  #isFirst(kind: string): boolean {
    if (!this.events.has('notice') || this.#known.has(kind) || this.#known.size === MAX_KINDS) return false
    this.#known.add(kind)
    return true
  }
}
