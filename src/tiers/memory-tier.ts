// L1: entries in memory, bounded, least recently used out first. Expiry is not its business: an entry says itself how long it is good.
import { LRUCache } from 'lru-cache'
import type { MemoryLimits } from '../model/cache-policy.js'
import type { Entry } from '../model/entry.js'
import { estimateBytes } from './estimate-bytes.js'
import { cloneValue, freezeValue } from './value-sharing.js'

/** Counted per entry beside its value: the entry object, its promise, its place in the LRU. */
const ENTRY_BYTES = 160

export class MemoryTier {
  /** Entries dropped for want of room, since the start. */
  evictions = 0
  /** Whether a hit hands out the kept object itself, so that one resolved promise may serve all hits. */
  readonly sharesValues: boolean
  readonly #entries: LRUCache<string, Entry>
  readonly #limits: MemoryLimits
  readonly #counted: boolean

  constructor(limits: MemoryLimits, onEvicted?: (localKey: string) => void) {
    this.#limits = limits
    this.sharesValues = limits.values !== 'cloned'
    this.#counted = Number.isFinite(limits.maxBytes) || Number.isFinite(limits.maxEntryBytes)
    // Infinity means no such limit to us and is refused by lru-cache, whose word for it is 0.
    this.#entries = new LRUCache<string, Entry>({
      max: finiteOr0(limits.maxEntries),
      maxSize: finiteOr0(limits.maxBytes),
      dispose: (_entry, localKey, reason) => {
        if (reason !== 'evict') return
        this.evictions++
        onEvicted?.(localKey)
      },
    })
  }

  /** Moves the entry to the front. Exactly one look-up: a hit's cost is this. */
  get(localKey: string): Entry | undefined {
    return this.#entries.get(localKey)
  }

  /** The same without touching the order. */
  peek(localKey: string): Entry | undefined {
    return this.#entries.peek(localKey)
  }

  /** Keeps `entry`, unless it is too large: then an older one under the key goes too. `sizeBytes` is the encoded size, where known. */
  set(localKey: string, entry: Entry, sizeBytes?: number): void {
    if (!this.#counted) {
      this.#entries.set(localKey, entry)
      return
    }
    const valueBytes = sizeBytes ?? estimateBytes(entry.value)
    const size = valueBytes + localKey.length + ENTRY_BYTES
    if (valueBytes > this.#limits.maxEntryBytes || size > this.#limits.maxBytes) {
      this.#entries.delete(localKey)
      return
    }
    if (Number.isFinite(this.#limits.maxBytes)) this.#entries.set(localKey, entry, { size })
    else this.#entries.set(localKey, entry)
  }

  /** Whether there was one. */
  delete(localKey: string): boolean {
    return this.#entries.delete(localKey)
  }

  clear(): void {
    this.#entries.clear()
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
        return cloneValue(value)
      default:
        return this.#limits.values satisfies never
    }
  }

  /** What to hand to a caller: the entry's value or a copy of it. */
  release<V>(value: V): V {
    return this.sharesValues ? value : cloneValue(value)
  }
}

function finiteOr0(limit: number): number {
  return Number.isFinite(limit) ? limit : 0
}
