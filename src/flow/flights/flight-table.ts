// Finds the flight of a key that new callers can join.
import { randomInt } from 'node:crypto'
import type { Flight } from './flight.js'

const FEWEST_BUCKETS = 256
/** A larger table is released once it is empty. */
const KEPT_BUCKETS = 4_096
/** The hash is rotated by so many bits after each character, so that its low bits depend on the high bits of all characters. */
const ROTATION = 15

/**
 * A hash table whose buckets are linked through the flights themselves, so it makes no garbage.
 *
 * It is not a Map: with as many deletions as insertions, V8 rebuilds a Map every few dozen steps, and each earlier table refers to the
 * next one. Once one of them is in the old generation, all later ones are promoted with it, dead or not. With 64 reads of L2 in flight
 * that took a third of the time (bench, l2-64).
 */
export class FlightTable {
  #buckets = emptyBuckets(FEWEST_BUCKETS)
  #size = 0
  /** Secret, so that an attacker who chooses keys cannot make them share a bucket. */
  readonly #seed = randomInt(2 ** 32) | 0
  readonly #factor = randomInt(2 ** 32) | 1

  get size(): number {
    return this.#size
  }

  get(localKey: string): Flight | undefined {
    return this.#size === 0 ? undefined : this.#find(localKey, this.#hashOf(localKey))
  }

  #find(localKey: string, hash: number): Flight | undefined {
    let flight = this.#buckets[this.#bucketOf(hash)]
    while (flight !== undefined && flight.localKey !== localKey) flight = flight.nextInTable
    return flight
  }

  has(localKey: string): boolean {
    return this.get(localKey) !== undefined
  }

  /** Replaces another flight of the same key. */
  add(flight: Flight): void {
    flight.hash = this.#hashOf(flight.localKey)
    const before = this.#find(flight.localKey, flight.hash)
    if (before !== undefined) this.delete(before)
    if (this.#size >= this.#buckets.length) this.#grow()
    this.#link(flight)
    this.#size++
  }

  /** Another flight of the same key, which may have replaced this one, stays. */
  delete(flight: Flight): void {
    const bucket = this.#bucketOf(flight.hash)
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

  /** A copy of all flights: the table may change while the caller goes through it. */
  values(): Flight[] {
    const all: Flight[] = []
    for (const first of this.#buckets) {
      for (let flight = first; flight !== undefined; flight = flight.nextInTable) all.push(flight)
    }
    return all
  }

  #link(flight: Flight): void {
    const bucket = this.#bucketOf(flight.hash)
    flight.nextInTable = this.#buckets[bucket]
    this.#buckets[bucket] = flight
  }

  #grow(): void {
    const all = this.values()
    this.#buckets = emptyBuckets(this.#buckets.length * 2)
    for (const flight of all) this.#link(flight)
  }

  /** Hashes all characters: local keys are short, since long ones are shortened. */
  #hashOf(localKey: string): number {
    const { length } = localKey
    const factor = this.#factor
    let hash = this.#seed ^ length
    for (let i = 0; i < length; i++) {
      hash = Math.imul(hash ^ localKey.charCodeAt(i), factor)
      hash = (hash << ROTATION) | (hash >>> (32 - ROTATION))
    }
    return hash ^ (hash >>> 16)
  }

  #bucketOf(hash: number): number {
    return hash & (this.#buckets.length - 1)
  }
}

function emptyBuckets(count: number): (Flight | undefined)[] {
  return new Array<Flight | undefined>(count).fill(undefined)
}
