// Notices for the operator. Most kinds are reported once in the life of a cache.
import { CacheError, showName } from '../../model/errors.js'
import type { Events } from '../../model/events/events.js'
import { userKeyOf } from '../../model/keys/key.js'
import { kindOfRefusal } from '../../model/values/refused-value.js'

/** The most kinds that are remembered, whatever names applications use. Kinds beyond it are not reported. */
const MAX_KINDS = 1_000

export class Notices {
  readonly #known = new Set<string>()

  constructor(
    private readonly events: Events,
    /** A key as events and messages show it. */
    private readonly shown: (key: string) => string,
  ) {}

  /** Reports at every call; see `NOTICE_LEVELS` for the codes. */
  report(code: string, detail: string, error?: Error): void {
    if (!this.events.has('notice')) return
    this.events.emit('notice', error === undefined ? { code, detail } : { code, detail, error })
  }

  /** Reports `error` once per scope and code. */
  once(scope: string, error: CacheError): void {
    if (this.#isFirst(`${error.code} ${scope}`)) this.report(error.code, error.message, error)
  }

  /** Reports a value that no tier keeps, once per reason, such as the class of the value. */
  valueNotKept(scope: string, error: CacheError): void {
    if (!this.#isFirst(`VALUE_NOT_KEPT ${kindOfRefusal(error)}`)) return
    // Without the key: it may be private, and this text goes to logs.
    const detail = `${scope} keeps a value in no tier, so each read loads it again: ${error.message}`
    this.report('VALUE_NOT_KEPT', detail, error)
  }

  /** Reports that a caller changed a value that L1 shares, once per key. */
  valueChanged(scope: string, localKey: string): void {
    if (!this.#isFirst(`VALUE_CHANGED ${localKey}`)) return
    const message =
      `the value of ${showName(this.shown(userKeyOf(localKey)))} in ${scope} was changed by a caller that got it from the cache: with ` +
      "l1.values: 'shared' all later callers would get the change. Copy a value before you change it; l1.values: 'frozen' throws at the change"
    this.report('VALUE_CHANGED', message, new CacheError('VALUE_CHANGED', message))
  }

  /** Reports a value that exceeds the bounds of L1: each read asks L2 for it, or loads it. */
  tooLargeForL1(key: string, bytes: number): void {
    this.report(
      'L1_TOO_LARGE',
      `the value of ${showName(this.shown(key))} takes about ${bytes} bytes and exceeds l1.maxBytes or l1.maxEntryBytes: memory does not keep it. ` +
        'Raise the bound, or cache smaller parts',
    )
  }

  /** While nobody listens, no kind counts as reported. */
  #isFirst(kind: string): boolean {
    if (!this.events.has('notice') || this.#known.has(kind) || this.#known.size === MAX_KINDS) return false
    this.#known.add(kind)
    return true
  }
}
