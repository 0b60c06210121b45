// `tiercache/prometheus`: the metrics of caches, for a registry of prom-client or as text.

export { PROMETHEUS_CONTENT_TYPE, prometheusText } from './exposition.js'
export { type PrometheusRegistry, registerMetrics } from './register-metrics.js'
