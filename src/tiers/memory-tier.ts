// L1: entries in memory, bounded, least recently used out first. Expiry is not its business: an entry says itself how long it is good.
import { LRUCache } from 'lru-cache'
import type { Entry } from '../model/entry.js'
import type { MemoryLimits } from '../model/options/cache-policy.js'
import { lruOptions, READ_OPTIONS, WRITE_OPTIONS } from '../model/options/lru-options.js'
import type { Extension } from '../model/values/extension.js'
import { estimateBytes } from './estimate-bytes.js'
import { Originals } from './originals.js'
import { cloneValue, freezeValue } from './value-sharing.js'

/** Counted per entry beside its value: the entry object, its promise, its place in the LRU. */
const ENTRY_BYTES = 160
/** To clear more one by one would hold up the event loop. */
const LARGE_ENTRIES = 10_000

export class MemoryTier {
  /** Entries dropped for want of room, since the start. */
  evictions = 0
  /** Whether a hit hands out the kept object itself, so that one resolved promise may serve all hits. */
  readonly sharesValues: boolean
  /** Called when an insertion is about to evict: what it drops need not be evicted. */
  onFull: (() => void) | undefined
  /** Called with the key of a value that a caller has changed, each time it is handed out (`values: 'checked'`). */
  onChanged: ((localKey: string) => void) | undefined
  #entries: LRUCache<string, Entry>
  readonly #evicted: (localKey: string) => void
  /** Where the sweep goes on, least recently used first. */
  #sweep: Iterator<[string, Entry]> | undefined
  #swept = 0
  /** The dead entry at which the sweep stands. */
  #found: [string, Entry] | undefined
  readonly #limits: MemoryLimits
  /** For `set`, whose size differs each time. */
  readonly #sized = { ...WRITE_OPTIONS }
  readonly #counted: boolean
  readonly #extensions: readonly Extension[]
  readonly #originals: Originals | undefined

  /** `onTooLarge` is told of a value that is not kept because it alone exceeds a bound. */
  constructor(
    limits: MemoryLimits,
    onEvicted?: (localKey: string) => void,
    private readonly onTooLarge?: (localKey: string, bytes: number) => void,
    extensions: readonly Extension[] = [],
  ) {
    this.#limits = limits
    this.#extensions = extensions
    this.#evicted = (localKey) => {
      this.evictions++
      onEvicted?.(localKey)
    }
    this.sharesValues = limits.values === 'shared' || limits.values === 'frozen'
    this.#originals = limits.values === 'checked' ? new Originals(extensions) : undefined
    this.#counted = Number.isFinite(limits.maxBytes) || Number.isFinite(limits.maxEntryBytes)
    this.#entries = this.#empty()
  }

  #empty(): LRUCache<string, Entry> {
    const { maxEntries, maxBytes } = this.#limits
    // Infinity means no such limit to us and is refused by lru-cache, whose word for it is 0.
    return new LRUCache<string, Entry>(
      lruOptions({
        max: finiteOr0(maxEntries),
        maxSize: finiteOr0(maxBytes),
        dispose: (_entry: Entry, localKey: string, reason: LRUCache.DisposeReason) => {
          if (reason === 'evict') this.#evicted(localKey)
        },
      }),
    )
  }

  /** Moves the entry to the front. Exactly one look-up: a hit's cost is this. */
  get(localKey: string): Entry | undefined {
    return this.#entries.get(localKey, READ_OPTIONS)
  }

  /** The same without touching the order. */
  peek(localKey: string): Entry | undefined {
    return this.#entries.peek(localKey, READ_OPTIONS)
  }

  /** Keeps `entry`, unless it is too large: then an older one under the key goes too. `sizeBytes` is the encoded size, where known. */
  set(localKey: string, entry: Entry, sizeBytes?: number): void {
    this.#originals?.belongsTo(localKey, entry.value)
    if (!this.#counted) {
      this.#makeRoom(localKey, 0)
      this.#entries.set(localKey, entry, WRITE_OPTIONS)
      return
    }
    const valueBytes = sizeBytes ?? estimateBytes(entry.value, this.#extensions)
    const entryBytes = valueBytes + localKey.length
    const size = entryBytes + ENTRY_BYTES
    if (entryBytes > this.#limits.maxEntryBytes || size > this.#limits.maxBytes) {
      this.#entries.delete(localKey)
      this.onTooLarge?.(localKey, entryBytes)
      return
    }
    this.#makeRoom(localKey, size)
    if (!Number.isFinite(this.#limits.maxBytes)) this.#entries.set(localKey, entry, WRITE_OPTIONS)
    else {
      this.#sized.size = size
      this.#entries.set(localKey, entry, this.#sized)
    }
  }

  #makeRoom(localKey: string, size: number): void {
    if (this.onFull === undefined) return
    const entries = this.#entries
    const isFull = entries.size >= this.#limits.maxEntries || entries.calculatedSize + size > this.#limits.maxBytes
    if (isFull && entries.peek(localKey, READ_OPTIONS) === undefined) this.onFull()
  }

  /** The sweep begins anew, with the least recently used entry. */
  beginSweep(): void {
    this.#sweep = undefined
    this.#swept = 0
    this.#dropFound()
  }

  /**
   * Looks at up to `count` entries, going on where it left off, and drops those that `isDead`. Each is dropped only once the list was
   * left behind it: what stands at a place that is free again is the newest entry, and the rest would be skipped.
   */
  sweep(count: number, isDead: (entry: Entry) => boolean): 'more' | 'done' {
    for (let i = 0; i < count; i++) {
      this.#sweep ??= this.#entries.rentries() as Iterator<[string, Entry]>
      const next = this.#sweep.next()
      this.#dropFound()
      if (next.done === true) {
        this.#sweep = undefined
        // The list may end early: where the sweep stood was evicted, or used and so became the last. Then once more from the start.
        if (this.#swept < this.#entries.size) continue
        this.#swept = 0
        return 'done'
      }
      this.#swept++
      if (isDead(next.value[1])) this.#found = next.value
    }
    return 'more'
  }

  #dropFound(): void {
    if (this.#found === undefined) return
    const [localKey, entry] = this.#found
    this.#found = undefined
    if (this.#entries.peek(localKey, READ_OPTIONS) === entry) this.#entries.delete(localKey)
  }

  /** Whether there was one. */
  delete(localKey: string): boolean {
    return this.#entries.delete(localKey)
  }

  /** At once, however many there are: those of a large L1 are left to the garbage collector. */
  clear(): void {
    this.#sweep = undefined
    this.#found = undefined
    if (this.#entries.size <= LARGE_ENTRIES) this.#entries.clear()
    else this.#entries = this.#empty()
  }

  get size(): number {
    return this.#entries.size
  }

  /** Bytes counted; 0 when only entries are counted. */
  get bytes(): number {
    return this.#entries.calculatedSize
  }

  /** Most recently used first. */
  entries(): IterableIterator<[string, Entry]> {
    return this.#entries.entries() as IterableIterator<[string, Entry]>
  }

  /** What to put into an entry: the value, frozen or copied as the option `values` says. Throws `UNSUPPORTED_VALUE` if it cannot be copied. */
  admit<V>(value: V): V {
    switch (this.#limits.values) {
      case 'shared':
        return value
      case 'frozen':
        return freezeValue(value)
      case 'cloned':
        return cloneValue(value, this.#extensions)
      case 'checked':
        this.#originals?.remember(value)
        return value
      default:
        return this.#limits.values satisfies never
    }
  }

  /** What to hand to a caller: the entry's value or a copy of it, for `'checked'` only if a caller has changed the value. */
  release<V>(value: V): V {
    if (this.sharesValues) return value
    if (this.#originals === undefined) return cloneValue(value, this.#extensions)
    return this.#originals.unchanged(value, this.onChanged)
  }
}

function finiteOr0(limit: number): number {
  return Number.isFinite(limit) ? limit : 0
}
