// What was measured: how often a similar answer would have been wrong, with the interval of that rate.

/** A share, with the bounds between which the true one lies in 95 of 100 cases. */
export interface MeasuredRate {
  readonly hits: number
  readonly falseHits: number
  /** 0 if there were no hits: look at `upper`. */
  readonly rate: number
  readonly lower: number
  readonly upper: number
}

/** One hit that was compared with what was loaded. */
export interface Observation {
  readonly similarity: number
  readonly isSame: boolean
}

const Z = 1.959964

/** The Wilson score interval of a share (E. B. Wilson, 1927). It holds for few hits and for rates near 0, too. */
export function measuredRate(falseHits: number, hits: number): MeasuredRate {
  if (hits === 0) return { hits, falseHits, rate: 0, lower: 0, upper: 1 }
  const rate = falseHits / hits
  const divisor = 1 + Z ** 2 / hits
  const middle = (rate + Z ** 2 / (2 * hits)) / divisor
  const half = (Z * Math.sqrt((rate * (1 - rate)) / hits + Z ** 2 / (4 * hits ** 2))) / divisor
  return { hits, falseHits, rate, lower: falseHits === 0 ? 0 : middle - half, upper: Math.min(1, middle + half) }
}

/**
 * The lowest similarity from which on the upper bound of the rate of false hits is at most `maxErrorRate`; `undefined` if there are too few
 * observations to say so.
 */
export function lowestThreshold(observations: readonly Observation[], maxErrorRate: number): number | undefined {
  const sorted = [...observations].sort((a, b) => b.similarity - a.similarity)
  let falseHits = 0
  let lowest: number | undefined
  sorted.forEach(({ similarity, isSame }, i) => {
    if (!isSame) falseHits++
    const isLastOfItsKind = sorted[i + 1]?.similarity !== similarity
    if (isLastOfItsKind && measuredRate(falseHits, i + 1).upper <= maxErrorRate) lowest = similarity
  })
  return lowest
}

/** What is known of the hits of one entry. */
export interface EntryRecord {
  readonly right: number
  readonly wrong: number
  /** The highest similarity of a wrong hit. */
  readonly worst: number
}

/** The record with one more hit. */
export function withHit(record: EntryRecord | undefined, similarity: number, isSame: boolean): EntryRecord {
  const { right, wrong, worst } = record ?? { right: 0, wrong: 0, worst: 0 }
  if (isSame) return { right: right + 1, wrong, worst }
  return { right, wrong: wrong + 1, worst: Math.max(worst, similarity) }
}

/** Whether a hit of an entry is similar enough: above the threshold, and above its own wrong hits if more than `maxErrorRate` were wrong. */
export function isSimilar(
  similarity: number,
  threshold: number,
  record: EntryRecord | undefined,
  maxErrorRate: number,
): boolean {
  if (similarity < threshold) return false
  if (record === undefined || record.wrong === 0) return true
  return record.wrong / (record.wrong + record.right) <= maxErrorRate || similarity > record.worst
}
