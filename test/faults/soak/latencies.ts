// The latencies of a long run in little memory, in buckets that grow by a tenth.

const GROWTH = Math.log(1.1)
const SMALLEST_MS = 0.01
const BUCKETS = 160

export class Latencies {
  readonly counts: number[] = new Array<number>(BUCKETS).fill(0)

  add(ms: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ms, SMALLEST_MS) / SMALLEST_MS) / GROWTH)
    const index = Math.min(BUCKETS - 1, bucket)
    this.counts[index] = (this.counts[index] as number) + 1
  }

  merge(counts: readonly number[]): void {
    counts.forEach((count, i) => {
      this.counts[i] = (this.counts[i] as number) + count
    })
  }

  /** The upper bound of the bucket that holds the quantile, at most a tenth too large. */
  quantileMs(q: number): number {
    let left = this.counts.reduce((sum, count) => sum + count, 0) * q
    const index = this.counts.findIndex((count) => {
      left -= count
      return left <= 0
    })
    return SMALLEST_MS * Math.exp(GROWTH * Math.max(0, index))
  }
}
