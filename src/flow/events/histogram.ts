// Latency histograms. They are always on, so they are plain numbers in a fixed array.

/** Durations in buckets whose upper bounds double: to add one is one increment. */
export class Histogram {
  readonly #counts = new Array<number>(BUCKETS).fill(0)
  #count = 0
  #sumMs = 0

  /** The bounds are from 1/16 to 65,536 times `unitMs`: for latencies milliseconds, for ages seconds. */
  constructor(private readonly unitMs = 1) {}

  add(ms: number): void {
    this.#count++
    this.#sumMs += ms
    // Bucket i holds durations of at most 2^(i - OFFSET) units.
    const units = ms / this.unitMs
    const bucket = units <= SMALLEST ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(units)) + OFFSET)
    this.#counts[bucket] = (this.#counts[bucket] as number) + 1
  }

  snapshot(): LatencySnapshot {
    return {
      count: this.#count,
      sumMs: this.#sumMs,
      p50Ms: this.#quantile(0.5),
      p95Ms: this.#quantile(0.95),
      p99Ms: this.#quantile(0.99),
      buckets: this.#counts.map((count, i) => ({ leMs: this.#upperBoundMs(i), count })),
    }
  }

  /** The upper bound of the bucket that holds the quantile: accurate within a factor of two. */
  #quantile(q: number): number {
    let left = this.#count * q
    if (left === 0) return 0
    for (let i = 0; i < BUCKETS; i++) {
      left -= this.#counts[i] as number
      if (left <= 0) return this.#upperBoundMs(i)
    }
    return this.#upperBoundMs(BUCKETS - 1)
  }

  #upperBoundMs(bucket: number): number {
    return bucket === BUCKETS - 1 ? Number.POSITIVE_INFINITY : 2 ** (bucket - OFFSET) * this.unitMs
  }
}

const OFFSET = 4
const SMALLEST = 2 ** -OFFSET
const BUCKETS = 22

/**
 * Latencies since the cache was created, as they are at one moment. Quantiles are upper bounds of buckets that double, so they are
 * accurate within a factor of two. They are 0 while there are no latencies.
 */
export interface LatencySnapshot {
  readonly count: number
  readonly sumMs: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  /** In ascending order. `count` is the number of latencies in this bucket alone: up to `leMs`, and above that of the bucket before. */
  readonly buckets: readonly { readonly leMs: number; readonly count: number }[]
}
