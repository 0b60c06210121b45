// Decides whether something costs more than it did. Each launch of the libraries gives one multiple, because what the compiler of V8
// makes of the same code differs between processes by more than the slices of one process do. So launches are added until it is sure.

/** Between the same cost (1) and a third more (1.33), at the same distance from both. */
export const MARGIN = Math.sqrt(4 / 3)
export const FEWEST_LAUNCHES = 3
export const MOST_LAUNCHES = 8
/** How many standard errors a sure verdict is away from the margin. */
const SURE = 2
/** Three launches may agree by chance. */
const LEAST_ERROR = 0.025

export type Verdict = 'same' | 'worse' | 'unsure'

/** The verdict on the multiples of the launches so far: the cost now divided by the cost before. One that is not finite is worse. */
export function judge(multiples: readonly number[]): Verdict {
  if (multiples.some((one) => !Number.isFinite(one))) return 'worse'
  if (multiples.length < FEWEST_LAUNCHES) return 'unsure'
  const { mean, error } = estimate(multiples.map(Math.log))
  const distance = mean - Math.log(MARGIN)
  const isLast = multiples.length >= MOST_LAUNCHES
  if (Math.abs(distance) < SURE * error && !isLast) return 'unsure'
  return distance > 0 ? 'worse' : 'same'
}

/** The geometric mean of the multiples. */
export function typicalOf(multiples: readonly number[]): number {
  return Math.exp(estimate(multiples.map(Math.log)).mean)
}

function estimate(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const error = Math.sqrt(squares / (values.length - 1) / values.length)
  return { mean, error: Math.max(error, LEAST_ERROR) }
}
