// What a larger L1 would win. An entry that L1 evicts leaves a ghost: no value, only how recently it was used and until when it would have
// been served. A miss that finds a ghost is a hit that a larger L1 would have had.
//
// L1 evicts the least recently used entry, so L1 and the ghosts behind it, newest eviction first, are the order of use of a larger L1
// (the inclusion property of LRU: Mattson et al., "Evaluation techniques for storage hierarchies", IBM Systems Journal 9(2), 1970).
// Only a sample of the keys, chosen by their hash, has ghosts (Waldspurger et al., "Efficient MRC Construction with SHARDS", FAST 2015).
import { LRUCache } from 'lru-cache'
import type { AtMs, Entry } from '../model/entry.js'
import type { LabelSet } from '../model/labels.js'
import { lruOptions, READ_OPTIONS, WRITE_OPTIONS } from '../model/options/lru-options.js'

/** The most ghosts of one cache. If more are needed, half of the keys leave the sample. */
export const MAX_GHOSTS = 16_384

/** V8 keeps integers of 31 bits in place and boxes larger ones. */
const HASHES = 2 ** 31

/** What is known of an evicted entry. */
export interface Ghost {
  /** When it would have stopped being served without waiting for a load. */
  readonly untilMs: AtMs
  readonly labels: LabelSet
}

/** The ghosts that an L1 of `factor` times the entries would have, and the next smaller one would not. */
class Band {
  /** By the hash of their keys. */
  readonly ghosts: LRUCache<number, Ghost>
  /** Misses of L1 that found their ghost here, as an estimate for all keys. */
  hits = 0

  constructor(
    readonly factor: number,
    /** How many times the entries of L1 it has. */
    private readonly span: number,
    /** Where the oldest go that have no room. */
    older: Band | undefined,
  ) {
    this.ghosts = new LRUCache<number, Ghost>(
      lruOptions({
        maxSize: MAX_GHOSTS,
        sizeCalculation: () => 1,
        dispose: (ghost: Ghost, hash: number, reason: LRUCache.DisposeReason) => {
          if (reason === 'evict') older?.ghosts.set(hash, ghost, WRITE_OPTIONS)
        },
      }),
    )
  }

  /** Leaves the newest ones, as many as belong here while L1 has that many entries of the sample. */
  trim(entries: number): void {
    while (this.ghosts.size > this.span * entries) this.ghosts.pop()
  }
}

/**
 * The ghosts of one L1. Hits in L1 do not touch it, so they cost nothing more.
 *
 * Invariants: a key that L1 has is no ghost; there are at most `MAX_GHOSTS` of them.
 */
export class Ghosts {
  /** Keys whose hash is below it are in the sample. */
  #below = HASHES
  readonly #bands: readonly Band[]

  constructor() {
    const fourTimes = new Band(4, 4 - 2, undefined)
    const twice = new Band(2, 2 - 1, fourTimes)
    this.#bands = [twice, fourTimes]
  }

  /** The part of all keys that is in the sample: 1, 1/2, 1/4, … */
  get sample(): number {
    return this.#below / HASHES
  }

  get size(): number {
    return this.#bands.reduce((sum, { ghosts }) => sum + ghosts.size, 0)
  }

  /** L1, which has `entries` entries, has evicted this one. */
  evicted(localKey: string, { staleUntilMs, idleUntilMs = Infinity, labels }: Entry, entries: number): void {
    const hash = hashOf(localKey)
    if (hash >= this.#below) return
    const ghost = { untilMs: Math.min(staleUntilMs, idleUntilMs), labels }
    this.#bands[0]?.ghosts.set(hash, ghost, WRITE_OPTIONS)
    for (const band of this.#bands) band.trim(entries * this.sample)
    while (this.size > MAX_GHOSTS) this.#halveSample()
  }

  /** L1 has the key again, or its entry was invalidated. */
  forget(localKey: string): void {
    const hash = hashOf(localKey)
    if (hash >= this.#below) return
    for (const { ghosts } of this.#bands) if (ghosts.delete(hash)) return
  }

  /** A read found nothing in L1. `wouldServe` says whether the entry, if it were still there, would be served. */
  missed(localKey: string, wouldServe: (ghost: Ghost) => boolean): void {
    const hash = hashOf(localKey)
    if (hash >= this.#below) return
    for (const band of this.#bands) {
      const ghost = band.ghosts.peek(hash, READ_OPTIONS)
      if (ghost === undefined) continue
      if (wouldServe(ghost)) band.hits += 1 / this.sample
      else band.ghosts.delete(hash)
      return
    }
  }

  clear(): void {
    for (const { ghosts } of this.#bands) ghosts.clear()
  }

  /** About how many misses each larger L1 would have served. */
  hits(): readonly { readonly factor: number; readonly hits: number }[] {
    let sum = 0
    return this.#bands.map(({ factor, hits }) => {
      sum += hits
      return { factor, hits: sum }
    })
  }

  #halveSample(): void {
    this.#below /= 2
    for (const { ghosts } of this.#bands) {
      for (const hash of [...ghosts.keys()]) if (hash >= this.#below) ghosts.delete(hash)
    }
  }
}

/** 31 bits whose every value is equally likely: FNV-1a, and the last step of MurmurHash3. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 1
}
