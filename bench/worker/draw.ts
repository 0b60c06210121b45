// The keys that a reader asks for, drawn before the measurement.
import { mulberry32 } from '../../test/support/random.js'
import type { Draw } from './messages.js'
import { keyOf } from './values.js'

const DRAWS = 65_536
const HOT_KEYS = 10_000
const SEED = 42

/**
 * A power of two of keys: one key again and again; a zipf distribution (s = 1) over 10,000 keys spread over all entries; or each key
 * in turn, so that no two calls in flight read the same key.
 */
export function drawKeys(draw: Draw, entries: number): readonly string[] {
  if (draw === 'hot') return new Array<string>(DRAWS).fill(keyOf(7))
  if (draw === 'each') return Array.from({ length: DRAWS }, (_, i) => keyOf(scatter(i % entries, entries)))
  const kinds = Math.min(HOT_KEYS, entries)
  const keys = Array.from({ length: kinds }, (_, rank) => keyOf(Math.floor((scatter(rank, kinds) * entries) / kinds)))
  const upTo = cumulated(kinds)
  const random = mulberry32(SEED)
  return Array.from({ length: DRAWS }, () => keys[find(upTo, random() * (upTo[kinds - 1] as number))] as string)
}

/** Keys of neighbouring rank are not neighbours in memory. */
function scatter(rank: number, kinds: number): number {
  return (rank * 7_919) % kinds
}

function cumulated(kinds: number): Float64Array {
  const sums = new Float64Array(kinds)
  let sum = 0
  for (let i = 0; i < kinds; i++) {
    sum += 1 / (i + 1)
    sums[i] = sum
  }
  return sums
}

function find(upTo: Float64Array, target: number): number {
  let low = 0
  let high = upTo.length - 1
  while (low < high) {
    const middle = (low + high) >> 1
    if ((upTo[middle] as number) < target) low = middle + 1
    else high = middle
  }
  return low
}
