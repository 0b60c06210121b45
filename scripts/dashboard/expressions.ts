// The PromQL expressions of the dashboard. `$cache` and `$namespace` are its variables.

/** The range over which rates are taken. */
export const RATE = '[$__rate_interval]'
export const ofCache = 'cache=~"$cache"'
export const ofNamespace = `${ofCache}, namespace=~"$namespace"`

/** The rate of a counter, summed over all labels but `by`. */
export function rateOf(metric: string, by: string, filter = ofCache): string {
  return `sum by (${by}) (rate(${metric}{${filter}}${RATE}))`
}

/** A quantile of a histogram, by cache. */
export function quantile(q: number, histogram: string): string {
  return `histogram_quantile(${q}, sum by (cache, le) (rate(${histogram}_bucket{${ofCache}}${RATE})))`
}

function readsOf(filter: string): string {
  return rateOf('tiercache_reads_total', 'cache, namespace', `${ofNamespace}, ${filter}`)
}

const allLoads = rateOf('tiercache_loads_total', 'cache, namespace', ofNamespace)

/** The part of the reads that a tier served without waiting for a load. */
export const hitRatio = `${readsOf('result=~"hit|stale"')} / ${readsOf('result!="aborted"')}`

export const timeOfLoads = `${rateOf('tiercache_load_seconds_total', 'cache, namespace', ofNamespace)} / ${allLoads}`

export const failedLoads = `${rateOf('tiercache_loads_total', 'cache, namespace', `${ofNamespace}, result="failed"`)} / ${allLoads}`

/** Each read that needed no load of its own saved one, which takes as long as loads took on average since the processes started. */
export const savedTime = `${readsOf('result=~"hit|stale|joined"')}
  * sum by (cache, namespace) (tiercache_load_seconds_total{${ofNamespace}})
  / (sum by (cache, namespace) (tiercache_loads_total{${ofNamespace}}) > 0)`

export const timeOfOperations = `${rateOf('tiercache_l2_operation_seconds_total', 'cache, operation')}
  / ${rateOf('tiercache_l2_operations_total', 'cache, operation')}`

export const refusedFills = `${rateOf('tiercache_fills_refused_total', 'cache')}
  / ${rateOf('tiercache_loads_total', 'cache', `${ofCache}, result="ok"`)}`

export const staleAge = `${rateOf('tiercache_stale_age_seconds_sum', 'cache')}
  / ${rateOf('tiercache_stale_age_seconds_count', 'cache')}`
