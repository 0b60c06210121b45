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

/** One launch may fail because the machine had no time for it. */
const FAILURES = 2

/** The verdict on the launches so far, by the cost now divided by the cost before. It is not finite for a launch that failed. */
export function judge(launches: readonly number[]): Verdict {
  const multiples = launches.filter(Number.isFinite)
  if (launches.length - multiples.length >= FAILURES) return 'worse'
  if (multiples.length < FEWEST_LAUNCHES) return 'unsure'
  const { mean, error } = estimate(multiples.map(Math.log))
  const distance = mean - Math.log(MARGIN)
  const isLast = multiples.length >= MOST_LAUNCHES
  if (Math.abs(distance) < SURE * error && !isLast) return 'unsure'
  return distance > 0 ? 'worse' : 'same'
}

/** The geometric mean of the launches that did not fail. */
export function typicalOf(launches: readonly number[]): number {
  return Math.exp(estimate(launches.filter(Number.isFinite).map(Math.log)).mean)
}

function estimate(values: readonly number[]): { mean: number; error: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0)
  const error = Math.sqrt(squares / (values.length - 1) / values.length)
  return { mean, error: Math.max(error, LEAST_ERROR) }
}
