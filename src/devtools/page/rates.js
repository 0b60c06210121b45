// From counters that only grow to what happens per second: the differences of successive snapshots.

/** @typedef {import('../view/view.js').DevtoolsSnapshot} Snapshot */

/** Snapshots come a second apart, or sooner when another page is opened: a rate over so short a time would be a peak that is none. */
const LEAST_MS = 500
/** How many points a chart has. */
const POINTS = 180

/** The outcomes of reads, as the chart stacks them from the bottom up. */
export const OUTCOMES = /** @type {const} */ (['l1', 'l2', 'stale', 'joined', 'loaded'])

/** @param {NonNullable<Snapshot['stats']>} stats */
function countersOf({ reads, loading, l2 }) {
  const both = (/** @type {{ l1: number, l2: number }} */ tiers) => tiers.l1 + tiers.l2
  return {
    l1: reads.hit.l1,
    l2: reads.hit.l2,
    stale: both(reads.stale) + both(reads.staleIfError) + both(reads.staleIfSlow),
    joined: reads.joined,
    loaded: reads.loaded + reads.absent + reads.failed + reads.timedOut,
    atOnce: both(reads.hit) + both(reads.stale),
    aborted: reads.aborted,
    total: reads.total,
    loads: loading.latency.count,
    loadMs: loading.latency.sumMs,
    l2Replies: l2.latency.count,
    l2Ms: l2.latency.sumMs,
  }
}

export class Rates {
  /** @type {{ atMs: number, counters: ReturnType<typeof countersOf> }[]} */
  #kept = []

  /** Takes the counters of a snapshot. A gap, such as a pause, begins a new history. */
  add(/** @type {Snapshot} */ { atMs, stats }) {
    if (stats === undefined) return
    const last = this.#kept.at(-1)
    if (last !== undefined && (atMs - last.atMs > 10_000 || stats.reads.total < last.counters.total)) this.#kept = []
    if (last !== undefined && atMs - last.atMs < LEAST_MS && this.#kept.length > 1) this.#kept.pop()
    this.#kept.push({ atMs, counters: countersOf(stats) })
    if (this.#kept.length > POINTS + 1) this.#kept.shift()
  }

  /** The data of both charts: seconds, then one list for each series; `null` where nothing happened. */
  series() {
    const pairs = this.#kept.slice(1).map((now, i) => ({ now, before: /** @type {typeof now} */ (this.#kept[i]) }))
    const seconds = pairs.map(({ now }) => now.atMs / 1_000)
    const perSecond = OUTCOMES.map((name) =>
      pairs.map(({ now, before }) => ((now.counters[name] - before.counters[name]) * 1_000) / (now.atMs - before.atMs)),
    )
    const mean = (/** @type {'loads' | 'l2Replies'} */ counts, /** @type {'loadMs' | 'l2Ms'} */ sums) =>
      pairs.map(({ now, before }) => {
        const done = now.counters[counts] - before.counters[counts]
        return done === 0 ? null : (now.counters[sums] - before.counters[sums]) / done
      })
    return { seconds, perSecond, loadMs: mean('loads', 'loadMs'), l2Ms: mean('l2Replies', 'l2Ms') }
  }

  /** The reads of the last minute, and how many of them a tier served at once. */
  lastMinute() {
    const last = this.#kept.at(-1)
    const first = last && this.#kept.find(({ atMs }) => atMs >= last.atMs - 60_000)
    if (last === undefined || first === undefined) return { reads: 0, atOnce: 0, perSecond: 0 }
    const reads = last.counters.total - first.counters.total - (last.counters.aborted - first.counters.aborted)
    const seconds = (last.atMs - first.atMs) / 1_000
    const atOnce = last.counters.atOnce - first.counters.atOnce
    return { reads, atOnce, perSecond: seconds === 0 ? 0 : reads / seconds }
  }
}
