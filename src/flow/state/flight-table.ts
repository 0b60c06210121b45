// What callers of a key join: the flight of each key, found by the key.
import { randomInt } from 'node:crypto'
import type { Flight } from './flight.js'

const FEWEST_BUCKETS = 256
/** An emptied table that was larger is given back. */
const KEPT_BUCKETS = 4_096
/** Bits by which the hash turns after each character, so that its low bits come to depend on the high ones of all characters. */
const TURN = 15

/**
 * A hash table that links its flights themselves and so makes no garbage.
 *
 * Not a Map: one from which as much goes as comes is rebuilt every few dozen steps, and each of V8's earlier tables refers to the
 * next one. Once one of them is old, everything that follows is carried into the old generation, dead or not. With 64 reads of L2
 * in flight that took a third of the time (bench, l2-64).
 */
export class FlightTable {
  #buckets = emptyBuckets(FEWEST_BUCKETS)
  #size = 0
  /** Secret: who chooses keys cannot know which of them share a bucket. */
  readonly #seed = randomInt(2 ** 32) | 0
  readonly #factor = randomInt(2 ** 32) | 1

  get size(): number {
    return this.#size
  }

  get(localKey: string): Flight | undefined {
    let flight = this.#buckets[this.#bucketOf(localKey)]
    while (flight !== undefined && flight.localKey !== localKey) flight = flight.nextInTable
    return flight
  }

  has(localKey: string): boolean {
    return this.get(localKey) !== undefined
  }

  /** Takes the place of another flight of the same key. */
  add(flight: Flight): void {
    const before = this.get(flight.localKey)
    if (before !== undefined) this.delete(before)
    if (this.#size >= this.#buckets.length) this.#grow()
    this.#link(flight)
    this.#size++
  }

  /** Not another flight of the same key, which may have taken its place. */
  delete(flight: Flight): void {
    const bucket = this.#bucketOf(flight.localKey)
    let before: Flight | undefined
    for (let other = this.#buckets[bucket]; other !== undefined; other = other.nextInTable) {
      if (other === flight) {
        if (before === undefined) this.#buckets[bucket] = flight.nextInTable
        else before.nextInTable = flight.nextInTable
        flight.nextInTable = undefined
        this.#size--
        if (this.#size === 0 && this.#buckets.length > KEPT_BUCKETS) this.clear()
        return
      }
      before = other
    }
  }

  clear(): void {
    this.#buckets = emptyBuckets(FEWEST_BUCKETS)
    this.#size = 0
  }

  /** All flights as of now: the table may change meanwhile. */
  values(): Flight[] {
    const all: Flight[] = []
    for (const first of this.#buckets) {
      for (let flight = first; flight !== undefined; flight = flight.nextInTable) all.push(flight)
    }
    return all
  }

  #link(flight: Flight): void {
    const bucket = this.#bucketOf(flight.localKey)
    flight.nextInTable = this.#buckets[bucket]
    this.#buckets[bucket] = flight
  }

  #grow(): void {
    const all = this.values()
    this.#buckets = emptyBuckets(this.#buckets.length * 2)
    for (const flight of all) this.#link(flight)
  }

  /** Over all characters: local keys are short, since long ones are shortened. */
  #bucketOf(localKey: string): number {
    const { length } = localKey
    const factor = this.#factor
    let hash = this.#seed ^ length
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ localKey.charCodeAt(i), factor)
      hash = (hash << TURN) | (hash >>> (32 - TURN))
    }
    return (hash ^ (hash >>> 16)) & (this.#buckets.length - 1)
  }
}

function emptyBuckets(count: number): (Flight | undefined)[] {
  return new Array<Flight | undefined>(count).fill(undefined)
}
