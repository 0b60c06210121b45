// L1: entries in memory, bounded; the least recently used are evicted. It knows nothing of expiry: each entry carries its own times.
import { LRUCache } from 'lru-cache'
import type { Entry } from '../model/entry.js'
import type { MemoryLimits } from '../model/options/cache-policy.js'
import { lruOptions, READ_OPTIONS, WRITE_OPTIONS } from '../model/options/lru-options.js'
import type { Extension } from '../model/values/extension.js'
import { estimateBytes } from './estimate-bytes.js'
import type { Ghosts } from './ghosts.js'
import { Originals } from './originals.js'
import { cloneValue, freezeValue } from './value-sharing.js'

/** Added to the size of each value: the entry object, its promise, its place in the LRU. */
const ENTRY_BYTES = 160
/** Clearing more entries one by one would block the event loop. */
const LARGE_ENTRIES = 10_000

export class MemoryTier {
  /** How many entries were evicted since the start. */
  evictions = 0
  /** Whether all hits get the same object, so that one resolved promise can serve them all. */
  readonly sharesValues: boolean
  /** Called when an insertion is about to evict. Entries that it deletes make room, so that less is evicted. */
  onFull: (() => void) | undefined
  /** Called with the key of a value that a caller has changed, at each hit (`values: 'checked'`). */
  onChanged: ((localKey: string) => void) | undefined
  /** What a larger L1 would win, if that is to be known. */
  ghosts: Ghosts | undefined
  #entries: LRUCache<string, Entry>
  readonly #evicted: (localKey: string) => void
  /** Where the sweep continues, from the least recently used entry on. */
  #sweep: Iterator<[string, Entry]> | undefined
  #swept = 0
  /** The dead entry that the sweep found last. */
  #lastDead: [string, Entry] | undefined
  readonly #limits: MemoryLimits
  /** For `set`, with the size of each entry. */
  readonly #sized = { ...WRITE_OPTIONS }
  readonly #counted: boolean
  readonly #extensions: readonly Extension[]
  readonly #originals: Originals | undefined

  /** `onTooLarge` is called for a value that is not kept because it alone exceeds a bound. */
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
    // Infinity means no limit here. lru-cache refuses it and takes 0 instead.
    return new LRUCache<string, Entry>(
      lruOptions({
        max: finiteOr0(maxEntries),
        maxSize: finiteOr0(maxBytes),
        dispose: (entry: Entry, localKey: string, reason: LRUCache.DisposeReason) => {
          if (reason !== 'evict') return
          this.ghosts?.evicted(localKey, entry, this.#entries.size)
          this.#evicted(localKey)
        },
      }),
    )
  }

  /** Moves the entry to the front. Exactly one look-up, which is most of a hit's cost. */
  get(localKey: string): Entry | undefined {
    return this.#entries.get(localKey, READ_OPTIONS)
  }

  /** The same, but the order of use stays as it is. */
  peek(localKey: string): Entry | undefined {
    return this.#entries.peek(localKey, READ_OPTIONS)
  }

  /** Keeps `entry`. If it is too large, nothing is kept under the key. `sizeBytes` is the encoded size, where known. */
  set(localKey: string, entry: Entry, sizeBytes?: number): void {
    this.#originals?.belongsTo(localKey, entry.value)
    this.ghosts?.forget(localKey)
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

  /** Starts the sweep again, at the least recently used entry. */
  beginSweep(): void {
    this.#sweep = undefined
    this.#swept = 0
    this.#dropLastDead()
  }

  /**
   * Looks at up to `count` entries, continues where it stopped last time, and drops those that `isDead`. An entry is dropped only after
   * the iterator has moved on: lru-cache may give its place to the newest entry, and the iterator would then skip the rest.
   */
  sweep(count: number, isDead: (entry: Entry) => boolean): 'more' | 'done' {
    for (let i = 0; i < count; i++) {
      this.#sweep ??= this.#entries.rentries() as Iterator<[string, Entry]>
      const next = this.#sweep.next()
      this.#dropLastDead()
      if (next.done === true) {
        this.#sweep = undefined
        // The iterator ends early if its entry was evicted, or was used and so moved to the end. Then the sweep starts again.
        if (this.#swept < this.#entries.size) continue
        this.#swept = 0
        return 'done'
      }
      this.#swept++
      if (isDead(next.value[1])) this.#lastDead = next.value
    }
    return 'more'
  }

  #dropLastDead(): void {
    if (this.#lastDead === undefined) return
    const [localKey, entry] = this.#lastDead
    this.#lastDead = undefined
    if (this.#entries.peek(localKey, READ_OPTIONS) === entry) this.#entries.delete(localKey)
  }

  /** Returns whether there was an entry. */
  delete(localKey: string): boolean {
    return this.#entries.delete(localKey)
  }

  /** Takes no longer for many entries: those of a large L1 are left to the garbage collector. */
  clear(): void {
    this.#sweep = undefined
    this.#lastDead = undefined
    this.ghosts?.clear()
    if (this.#entries.size <= LARGE_ENTRIES) this.#entries.clear()
    else this.#entries = this.#empty()
  }

  get size(): number {
    return this.#entries.size
  }

  /** The bytes counted; 0 where only entries are counted. */
  get bytes(): number {
    return this.#entries.calculatedSize
  }

  /** Most recently used first. */
  entries(): IterableIterator<[string, Entry]> {
    return this.#entries.entries() as IterableIterator<[string, Entry]>
  }

  /** The value to put into an entry: frozen or copied, as the option `values` says. Throws `UNSUPPORTED_VALUE` if it cannot be copied. */
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

  /** The value to give to a caller: the entry's value, or a copy of it. For `'checked'` a copy only if a caller has changed the value. */
  release<V>(value: V): V {
    if (this.sharesValues) return value
    if (this.#originals === undefined) return cloneValue(value, this.#extensions)
    return this.#originals.unchanged(value, this.onChanged)
  }
}

function finiteOr0(limit: number): number {
  return Number.isFinite(limit) ? limit : 0
}
