// What is needed of `@opentelemetry/api`, as types of our own, so that each version 1.x fits and none has to be installed.

/** Attributes of spans and of measurements. */
export type OtelAttributes = Record<string, string | number | boolean>

/** An observable instrument. */
export interface OtelInstrument {
  addCallback(callback: never): void
}

/** What takes the measurements of one collection. */
export interface OtelBatchObserver {
  observe(instrument: never, value: number, attributes?: OtelAttributes): void
}

/** A `Meter`. */
export interface OtelMeter {
  createObservableCounter(name: string, options?: { description?: string; unit?: string }): OtelInstrument
  createObservableGauge(name: string, options?: { description?: string; unit?: string }): OtelInstrument
  addBatchObservableCallback(callback: (observer: OtelBatchObserver) => void, instruments: OtelInstrument[]): void
  removeBatchObservableCallback(callback: (observer: OtelBatchObserver) => void, instruments: OtelInstrument[]): void
}

/** The identity of a span. */
export interface OtelSpanContext {
  traceId: string
  spanId: string
  traceFlags: number
}

/** A `Span`. */
export interface OtelSpan {
  spanContext(): OtelSpanContext
  setAttribute(name: string, value: string): unknown
  setStatus(status: { code: number; message?: string }): unknown
  end(): void
}

/** Options of `startSpan`. */
export interface OtelSpanOptions {
  attributes?: OtelAttributes
  links?: { context: OtelSpanContext }[]
  /** In milliseconds since 1970. */
  startTime?: number
}

/** A `Tracer`. */
export interface OtelTracer {
  startSpan(name: string, options?: OtelSpanOptions): OtelSpan
}
