// Millions of lags in little memory, in buckets that grow by a twentieth.

const GROWTH = Math.log(1.05)
const SMALLEST_US = 10
const BUCKETS = 400

export class Lags {
  readonly #counts = new Float64Array(BUCKETS)
  count = 0

  add(us: number): void {
    const bucket = Math.ceil(Math.log(Math.max(us, SMALLEST_US) / SMALLEST_US) / GROWTH)
    const index = Math.min(BUCKETS - 1, bucket)
    this.#counts[index] = (this.#counts[index] as number) + 1
    this.count++
  }

  /** The upper bound of the bucket that holds the quantile. Not a number if nothing was added. */
  quantileUs(q: number): number {
    if (this.count === 0) return Number.NaN
    let left = this.count * q
    const index = this.#counts.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return SMALLEST_US * Math.exp(GROWTH * Math.max(0, index))
  }
}
