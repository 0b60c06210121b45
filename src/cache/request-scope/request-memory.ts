// What one request scope remembers: each key as it was read first, until the scope itself changes it.
import type { CallScope, Core } from '../../flow/core.js'
import { scopeOfCall } from '../../flow/entries/scope-of-call.js'
import type { Reader } from '../../flow/read/read.js'
import type { UsableEntry } from '../../flow/state/flight.js'
import { Entry } from '../../model/entry.js'
import { HIT } from '../../model/events/read-outcome.js'
import { localKey as localKeyOf, type Version } from '../../model/keys/key.js'
import { type Label, NO_LABELS } from '../../model/labels.js'
import type { CallOptions, Loader, ReadOptions } from '../../model/options/options.js'
import { ownOptions } from '../../model/own-options.js'
import type { PrefixSet } from '../../model/prefix-set.js'

/** The reads of a cache: those of the flow, or of a request's memory before it. */
export type Reads = Pick<Reader, 'getOrSet' | 'refresh' | 'peek' | 'find' | 'findMany'>

/** Keys that one scope remembers; what it reads beyond them is read anew each time. */
const MAX_KEYS = 10_000

/**
 * One key of one scope. A change of the key puts another slot in its place: whoever still reads for the old one shares it with those
 * who began as early, and with nobody later.
 */
interface Slot {
  /** `undefined` while nobody has an answer. */
  answer: UsableEntry | 'absent' | undefined
  /** `undefined` when it is not known what the value carries: then every label may concern it. */
  labels: readonly Label[] | undefined
}

export class RequestMemory implements Reads {
  isOver = false
  readonly #slots = new Map<string, Slot>()

  constructor(
    private readonly core: Core,
    private readonly reader: Reader,
    private readonly outside: <F>(load: F) => F,
  ) {}

  end(): void {
    this.isOver = true
    this.#slots.clear()
  }

  forgetKey(localKey: string): void {
    this.#slots.delete(localKey)
  }

  forgetPrefixes(localPrefixes: PrefixSet): void {
    for (const localKey of [...this.#slots.keys()]) if (localPrefixes.covers(localKey)) this.#slots.delete(localKey)
  }

  forgetLabels(outdated: ReadonlySet<Label>): void {
    for (const [localKey, { labels }] of this.#slots) {
      if (labels === undefined || labels.some((label) => outdated.has(label))) this.#slots.delete(localKey)
    }
  }

  async getOrSet<V>(scope: CallScope, userKey: string, load: Loader<V>, given: CallOptions<V> | undefined): Promise<V> {
    const options = ownOptions(given)
    // Who names L2 asks what is there; who has left already gets nothing.
    if (options?.tiers === 'l2' || options?.signal?.aborted === true) {
      return this.reader.getOrSet(scope, userKey, this.outside(load), options)
    }
    const slot = this.#slotOf(this.#localKey(scope, userKey, options?.version))
    if (isServable(slot.answer)) {
      this.core.recorder.read(scopeOfCall(scope, options).space, userKey, HIT.l1)
      return this.#release(slot.answer.entry.value) as V
    }
    const value = await this.reader.getOrSet(scope, userKey, this.outside(load), options)
    // Two reads that overlap may have met different values; the first to end decides for both.
    if (isServable(slot.answer)) return this.#release(slot.answer.entry.value) as V
    this.#fill(slot, this.#localKey(scope, userKey, options?.version), value)
    return value
  }

  /** What it loads is the key's value from now on, in this scope as everywhere. */
  async refresh(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    given: CallOptions | undefined,
  ): Promise<unknown> {
    const options = ownOptions(given)
    const localKey = this.#localKey(scope, userKey, options?.version)
    const slot = this.#slotOf(localKey)
    const value = await this.reader.refresh(scope, userKey, this.outside(load), options)
    this.#fill(slot, localKey, value)
    return value
  }

  peek(scope: CallScope, userKey: string): unknown {
    const answer = this.#slots.get(localKeyOf(scope.space, userKey))?.answer
    return isServable(answer) ? this.#release(answer.entry.value) : this.reader.peek(scope, userKey)
  }

  async find(scope: CallScope, userKey: string, options: ReadOptions | undefined): Promise<UsableEntry | undefined> {
    return (await this.findMany(scope, [userKey], options))[0]
  }

  async findMany(
    scope: CallScope,
    userKeys: readonly string[],
    given: ReadOptions | undefined,
  ): Promise<readonly (UsableEntry | undefined)[]> {
    const options = ownOptions(given)
    if ((options?.tiers ?? 'all') !== 'all' || options?.signal?.aborted === true) {
      return this.reader.findMany(scope, userKeys, options)
    }
    const slots = userKeys.map((userKey) => this.#slotOf(this.#localKey(scope, userKey, options?.version)))
    const asked = slots.flatMap(({ answer }, i) => (answer === undefined ? [i] : []))
    if (asked.length > 0) {
      const found = await this.reader.findMany(
        scope,
        asked.map((i) => userKeys[i] as string),
        options,
      )
      asked.forEach((i, j) => {
        const slot = slots[i] as Slot
        if (slot.answer !== undefined) return
        slot.answer = found[j] ?? 'absent'
        slot.labels = found[j]?.entry.labels.labels
      })
    }
    return slots.map(({ answer }) => (answer === 'absent' ? undefined : answer))
  }

  #localKey(scope: CallScope, userKey: string, version: Version | undefined): string {
    this.core.assertOpen()
    return localKeyOf(scopeOfCall(scope, { version }).space, userKey)
  }

  #slotOf(localKey: string): Slot {
    const known = this.#slots.get(localKey)
    if (known !== undefined) return known
    const slot: Slot = { answer: undefined, labels: undefined }
    if (!this.isOver && this.#slots.size < MAX_KEYS) this.#slots.set(localKey, slot)
    return slot
  }

  /** Remembers a value that was handed out, with what L1 knows of it. */
  #fill(slot: Slot, localKey: string, value: unknown): void {
    const { l1, clock } = this.core
    const inL1 = l1?.peek(localKey)
    // L1 may have another value by now, whose labels say nothing of this one. Of copies it cannot be told.
    const isThat = inL1 !== undefined && (Object.is(inL1.value, value) || l1?.sharesValues === false)
    const nowMs = clock.nowMs()
    const createdAtMs = isThat ? inL1.createdAtMs : nowMs
    const labels = isThat ? inL1.labels : NO_LABELS
    const entry = new Entry({
      value: this.#release(value),
      createdAtMs,
      freshUntilMs: nowMs,
      staleUntilMs: nowMs,
      usableUntilMs: nowMs,
      verifiedAtMs: nowMs,
      labels,
      loadMs: 0,
      etag: undefined,
      epoch: 0,
      staleIfErrorMs: 0,
    })
    slot.answer = { entry, tier: 'l1', age: 'fresh' }
    slot.labels = isThat ? inL1.labels.labels : undefined
  }

  #release(value: unknown): unknown {
    return this.core.l1 === undefined ? value : this.core.l1.release(value)
  }
}

function isServable(answer: UsableEntry | 'absent' | undefined): answer is UsableEntry {
  return answer !== undefined && answer !== 'absent' && answer.age !== 'staleIfError'
}
