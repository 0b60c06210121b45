// What one request scope remembers: the first value that it read for each key, until the scope itself changes the key.
import type { Core } from '../../flow/core.js'
import { scopeOfCall, spaceOfCall } from '../../flow/entries/scope-of-call.js'
import type { CallScope } from '../../flow/flights/call-scope.js'
import type { UsableEntry } from '../../flow/flights/flight.js'
import type { Reader } from '../../flow/read/read.js'
import type { Reserved } from '../../flow/read/reserve.js'
import { type ServedEntry, servedFrom } from '../../flow/read/served-entry.js'
import { type AtMs, Entry } from '../../model/entry.js'
import { HIT } from '../../model/events/read-outcome.js'
import { localKey as localKeyOf, type Version } from '../../model/keys/key.js'
import { type Label, NO_LABELS } from '../../model/labels.js'
import type { CallOptions, Loader, ReadOptions, ReserveOptions } from '../../model/options/options.js'
import { ownOptions } from '../../model/own-options.js'
import type { PrefixSet } from '../../model/prefix-set.js'

/** The reads of a cache: those of the flow, or those of a request scope in front of it. */
export type Reads = Pick<Reader, 'getOrSet' | 'getOrSetEntry' | 'reserve' | 'refresh' | 'peek' | 'find' | 'findMany'>

/** Keys that one scope remembers. Further keys are read again each time. */
const MAX_KEYS = 10_000

/**
 * One key of one scope. A change of the key puts a new slot in its place. A read that began before the change fills the old slot, which
 * only the reads that began with it share.
 */
interface Slot {
  /** What the first read found; `undefined` until it has ended. */
  found: UsableEntry | 'absent' | undefined
  /** The labels of the value; `undefined` when they are not known: then a change of any label drops the slot. */
  labels: readonly Label[] | undefined
}

/** The memory of one request scope, through which its reads go. */
export class RequestMemory implements Reads {
  isOver = false
  readonly #slots = new Map<string, Slot>()
  /** When the last hold ends that the work of this scope made. */
  #heldUntilMs: AtMs = Number.NEGATIVE_INFINITY

  constructor(
    private readonly core: Core,
    private readonly reader: Reader,
    private readonly outside: <F>(load: F) => F,
  ) {}

  end(): void {
    this.isOver = true
    this.#slots.clear()
  }

  held(untilMs: AtMs): void {
    this.#heldUntilMs = Math.max(this.#heldUntilMs, untilMs)
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
    // A call with tiers: 'l2' asks what L2 has. A caller whose signal has aborted gets nothing from here.
    if (options?.tiers === 'l2' || options?.signal?.aborted === true) {
      return this.reader.getOrSet(scope, userKey, this.outside(load), options)
    }
    const slot = this.#slotOf(this.#localKey(scope, userKey, options?.version))
    const isForced = options?.forceFresh === true
    if (!isForced && isServable(slot.found)) {
      this.core.recorder.read(scopeOfCall(scope, options), userKey, HIT.l1)
      return this.#release(slot.found.entry.value) as V
    }
    const beganAtMs = this.core.clock.nowMs()
    const value = await this.reader.getOrSet(scope, userKey, this.outside(load), options)
    // Two overlapping reads may have found different values: the first one that ends decides for both.
    if (!isForced && isServable(slot.found)) return this.#release(slot.found.entry.value) as V
    this.#fill(slot, this.#localKey(scope, userKey, options?.version), value, beganAtMs)
    return value
  }

  async getOrSetEntry<V>(
    scope: CallScope,
    userKey: string,
    load: Loader<V>,
    given: CallOptions<V> | undefined,
  ): Promise<ServedEntry<V>> {
    const options = ownOptions(given)
    if (options?.tiers === 'l2' || options?.signal?.aborted === true) {
      return this.reader.getOrSetEntry(scope, userKey, this.outside(load), options)
    }
    const localKey = this.#localKey(scope, userKey, options?.version)
    const slot = this.#slotOf(localKey)
    const known = options?.forceFresh === true ? undefined : this.#servedFrom<V>(scope, userKey, options, slot)
    if (known !== undefined) return known
    const beganAtMs = this.core.clock.nowMs()
    const served = await this.reader.getOrSetEntry(scope, userKey, this.outside(load), options)
    this.#fill(slot, localKey, served.value, beganAtMs)
    return served
  }

  /** What this scope has read is a hit. A slot is that of the flow; once it is filled, this scope reads the key again. */
  async reserve<V>(scope: CallScope, userKey: string, given: ReserveOptions<V> | undefined): Promise<Reserved<V>> {
    const options = ownOptions(given)
    const localKey = this.#localKey(scope, userKey, options?.version)
    const slot = this.#slotOf(localKey)
    const isAborted = options?.signal?.aborted === true
    const known = isAborted ? undefined : this.#servedFrom<V>(scope, userKey, options, slot)
    if (known !== undefined) return { hit: true, ...known }
    const beganAtMs = this.core.clock.nowMs()
    const reserved = await this.reader.reserve(scope, userKey, options)
    if (reserved.hit) this.#fill(slot, localKey, reserved.value, beganAtMs)
    else this.forgetKey(localKey)
    return reserved
  }

  #servedFrom<V>(
    scope: CallScope,
    userKey: string,
    options: { readonly version?: Version | undefined } | undefined,
    { found }: Slot,
  ): ServedEntry<V> | undefined {
    if (!isServable(found)) return undefined
    this.core.recorder.read(scopeOfCall(scope, options), userKey, HIT.l1)
    return servedFrom(this.core, found, this.#release(found.entry.value) as V)
  }

  /** The loaded value is the value of the key from now on, in this scope too. */
  async refresh(
    scope: CallScope,
    userKey: string,
    load: Loader<unknown>,
    given: CallOptions | undefined,
  ): Promise<unknown> {
    const options = ownOptions(given)
    const localKey = this.#localKey(scope, userKey, options?.version)
    const slot = this.#slotOf(localKey)
    const beganAtMs = this.core.clock.nowMs()
    const value = await this.reader.refresh(scope, userKey, this.outside(load), options)
    this.#fill(slot, localKey, value, beganAtMs)
    return value
  }

  peek(scope: CallScope, userKey: string): unknown {
    const found = this.#slots.get(localKeyOf(scope.space, userKey))?.found
    return isServable(found) ? this.#release(found.entry.value) : this.reader.peek(scope, userKey)
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
    const unread = slots.flatMap(({ found }, i) => (found === undefined ? [i] : []))
    if (unread.length > 0) {
      const entries = await this.reader.findMany(
        scope,
        unread.map((i) => userKeys[i] as string),
        options,
      )
      unread.forEach((i, j) => {
        const slot = slots[i] as Slot
        if (slot.found !== undefined) return
        slot.found = entries[j] ?? 'absent'
        slot.labels = entries[j]?.entry.labels.labels
      })
    }
    return slots.map(({ found }) => (found === 'absent' ? undefined : found))
  }

  #localKey(scope: CallScope, userKey: string, version: Version | undefined): string {
    this.core.assertOpen()
    return localKeyOf(spaceOfCall(scope, { version }), userKey)
  }

  #slotOf(localKey: string): Slot {
    const known = this.#slots.get(localKey)
    if (known !== undefined) return known
    const slot: Slot = { found: undefined, labels: undefined }
    if (!this.isOver && this.#slots.size < MAX_KEYS) this.#slots.set(localKey, slot)
    return slot
  }

  /**
   * Remembers a value that was returned, with its labels and age if L1 has it. A scope may outlast a hold that its own work made, so what was
   * loaded within one is not remembered. What L1 has is not from a hold; the labels of other values are not known, so any hold counts.
   */
  #fill(slot: Slot, localKey: string, value: unknown, beganAtMs: AtMs): void {
    const { l1, clock } = this.core
    const inL1 = l1?.peek(localKey)
    // L1 may have another value by now, whose labels are not those of this one. Copies cannot be compared, so they are taken for it.
    const isSame = inL1 !== undefined && (Object.is(inL1.value, value) || l1?.sharesValues === false)
    if (!isSame && this.#heldUntilMs > beganAtMs) {
      slot.found = undefined
      slot.labels = undefined
      return
    }
    const nowMs = clock.nowMs()
    const createdAtMs = isSame ? inL1.createdAtMs : nowMs
    const labels = isSame ? inL1.labels : NO_LABELS
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
    slot.found = { entry, tier: 'l1', age: 'fresh' }
    slot.labels = isSame ? inL1.labels.labels : undefined
  }

  #release(value: unknown): unknown {
    return this.core.l1 === undefined ? value : this.core.l1.release(value)
  }
}

function isServable(found: UsableEntry | 'absent' | undefined): found is UsableEntry {
  return found !== undefined && found !== 'absent' && found.age !== 'staleIfError'
}
