// About how much memory a value takes, for an L1 that is bounded by bytes when no encoded size is known.
// Large collections are sampled, so the cost is bounded whatever the value; cycles end at the depth and the budget. The samples are
// random, and each has its share of the budget: nobody can make a value that hides its large parts from the samples.

import { types } from 'node:util'
import { dataKindOf } from '../model/values/data-kinds.js'
import { type Extension, extensionOf } from '../model/values/extension.js'

/** How many objects are measured before the rest is guessed. */
const MAX_OBJECTS = 512
/** How many members of one collection are measured. */
const MAX_SAMPLES = 32
const MAX_DEPTH = 512
/** The guess for a value that is not measured. */
const GUESS_BYTES = 64

/**
 * A whole number of bytes, right within a factor of about two for data of uniform shape. A value of an extension counts with the size of
 * what it is encoded to.
 */
export function estimateBytes(value: unknown, extensions: readonly Extension[] = NONE): number {
  try {
    return Math.ceil(new Estimate(extensions).of(value, 0))
  } catch {
    // A getter or proxy of the user's threw. The value is kept nevertheless.
    return GUESS_BYTES
  }
}

const NONE: readonly Extension[] = []

class Estimate {
  #objectsLeft = MAX_OBJECTS

  constructor(private readonly extensions: readonly Extension[]) {}

  of(value: unknown, depth: number): number {
    if (typeof value === 'string') return 16 + value.length
    if (typeof value === 'bigint') return 32
    if (typeof value !== 'object' || value === null) return 8
    if (ArrayBuffer.isView(value) || types.isAnyArrayBuffer(value)) return 96 + value.byteLength
    if (depth === MAX_DEPTH || this.#objectsLeft-- <= 0) return GUESS_BYTES
    if (Array.isArray(value)) return 32 + 8 * value.length + this.#elements(value, depth)
    if (types.isMap(value)) return 64 + 32 * value.size + this.#members(value, value.size, depth)
    if (types.isSet(value)) return 64 + 24 * value.size + this.#members(value, value.size, depth)
    if (this.extensions.length !== 0 && dataKindOf(value) === undefined) return this.#extended(value, depth)
    return this.#object(value as Readonly<Record<string, unknown>>, depth)
  }

  #extended(value: object, depth: number): number {
    const extension = extensionOf(this.extensions, value)
    if (extension === undefined) return this.#object(value as Readonly<Record<string, unknown>>, depth)
    return 32 + this.of(extension.encode(value), depth + 1)
  }

  #object(value: Readonly<Record<string, unknown>>, depth: number): number {
    const names = Object.keys(value)
    // Small objects of the same shape share their property names.
    const namesBytes = names.length <= MAX_SAMPLES ? 0 : this.#elements(names, depth)
    const values = this.#spread(names.length, (i) => this.of(value[names[i]!], depth + 1))
    const errorBytes = types.isNativeError(value) ? value.message.length + (value.stack?.length ?? 0) : 0
    return 32 + 8 * names.length + namesBytes + values + errorBytes
  }

  #elements(array: readonly unknown[], depth: number): number {
    return this.#spread(array.length, (i) => this.of(array[i], depth + 1))
  }

  /** The estimated sum over `count` members: they are divided into equal parts, and one member of each part is measured, drawn at random. */
  #spread(count: number, measure: (index: number) => number): number {
    const samples = Math.min(count, MAX_SAMPLES)
    let bytes = 0
    for (let i = 0; i < samples; i++) bytes += this.#shared(samples - i, () => measure(drawn(i, count, samples)))
    return samples === 0 ? 0 : (bytes * count) / samples
  }

  /** The same for members that can only be reached one after the other. Passing them costs less than it cost to make them. */
  #members(members: Iterable<unknown>, count: number, depth: number): number {
    const samples = Math.min(count, MAX_SAMPLES)
    let bytes = 0
    let place = 0
    let sample = 0
    let next = drawn(0, count, samples)
    for (const member of members) {
      if (place++ !== next) continue
      // The pair that a Map yields is made for the iteration.
      const isPair = Array.isArray(member) && types.isMap(members)
      bytes += this.#shared(samples - sample, () => (isPair ? this.#pair(member, depth) : this.of(member, depth + 1)))
      sample++
      if (sample === samples) break
      next = drawn(sample, count, samples)
    }
    return samples === 0 ? 0 : (bytes * count) / samples
  }

  /** Measures the first of `parts` with its share of the objects that may still be measured. */
  #shared(parts: number, measure: () => number): number {
    const left = this.#objectsLeft
    const share = Math.ceil(left / parts)
    this.#objectsLeft = share
    const bytes = measure()
    this.#objectsLeft += left - share
    return bytes
  }

  #pair(pair: readonly unknown[], depth: number): number {
    return this.of(pair[0], depth + 1) + this.of(pair[1], depth + 1)
  }
}

/** An index in the part `sample` of `count` members that are divided into `samples` parts. */
function drawn(sample: number, count: number, samples: number): number {
  const from = Math.floor((sample * count) / samples)
  const to = Math.floor(((sample + 1) * count) / samples)
  return from + Math.floor(Math.random() * (to - from))
}
