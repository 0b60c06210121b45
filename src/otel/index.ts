// `tiercache/otel`: metrics and spans for OpenTelemetry.

export type {
  OtelAttributes,
  OtelBatchObserver,
  OtelInstrument,
  OtelMeter,
  OtelSpan,
  OtelSpanContext,
  OtelSpanOptions,
  OtelTracer,
} from './api.js'
export { observeMetrics } from './observe-metrics.js'
export { traceCaches } from './trace-caches.js'
