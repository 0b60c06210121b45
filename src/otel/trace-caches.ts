// Spans for what takes time: loads, waits for L2, changes, and callers that join a load. A hit in L1 makes none.
import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel'
import type { ChangeTrace, JoinTrace, L2Trace, LoadTrace } from '../flow/events/traces.js'
import { checkMethods } from '../model/option-rules.js'
import type { OtelAttributes, OtelSpan, OtelTracer } from './api.js'

/** The code of OpenTelemetry's status `ERROR`. */
const ERROR = 2

/** How the messages of one channel become spans. */
interface Kind<M extends object> {
  readonly channel: string
  name(message: M): string
  attributes(message: M): OtelAttributes
}

type Common = { readonly cache: string; readonly scope: string; readonly key?: string | undefined }

function common({ cache, scope, key }: Common): OtelAttributes {
  const attributes: OtelAttributes = { 'tiercache.cache': cache, 'tiercache.namespace': scope }
  if (key !== undefined) attributes['tiercache.key'] = key
  return attributes
}

const LOAD: Kind<LoadTrace> = {
  channel: 'tiercache:load',
  name: () => 'tiercache load',
  attributes: (message) => ({ ...common(message), 'tiercache.reason': message.reason }),
}
const L2: Kind<L2Trace> = {
  channel: 'tiercache:l2',
  name: ({ wait }) => `tiercache l2 ${wait}`,
  attributes: common,
}
const CHANGE: Kind<ChangeTrace> = {
  channel: 'tiercache:change',
  name: ({ by }) => `tiercache ${by}`,
  attributes: (message) => ({ ...common(message), 'tiercache.count': message.count }),
}
const JOIN: Kind<JoinTrace> = { channel: 'tiercache:join', name: () => 'tiercache join', attributes: common }

/**
 * Makes spans of `tracer`, such as `trace.getTracer('shop')` of `@opentelemetry/api`, for all caches of this process: one for each load,
 * wait for L2, and change (writes and invalidations), as a child of the span that is active where it begins; and one for each caller that
 * joins a load, with a link to the span of that load. The attribute `tiercache.key` is the key as the option `eventKeys` says. Nothing is
 * done for a hit in L1. Returns a function that ends it.
 */
export function traceCaches(tracer: OtelTracer): () => void {
  checkMethods(tracer, 'the first argument', ['startSpan'], 'a tracer of OpenTelemetry')
  const loads = new WeakMap<object, OtelSpan>()
  const ends = [spansOf(tracer, LOAD, loads), spansOf(tracer, L2), spansOf(tracer, CHANGE), joinsOf(tracer, loads)]
  return () => {
    for (const end of ends) end()
  }
}

function spansOf<M extends object>(tracer: OtelTracer, kind: Kind<M>, spans = new WeakMap<object, OtelSpan>()) {
  return subscribe<M>(kind.channel, {
    start: (message) =>
      spans.set(message, tracer.startSpan(kind.name(message), { attributes: kind.attributes(message) })),
    error: (message) => fail(spans.get(message), message),
    asyncEnd: (message) => spans.get(message)?.end(),
  })
}

/** A link must be given when a span starts, and the load may begin later than the wait for it: the span is made at its end. */
function joinsOf(tracer: OtelTracer, loads: WeakMap<object, OtelSpan>) {
  const startTimes = new WeakMap<object, number>()
  return subscribe<JoinTrace>(JOIN.channel, {
    start: (message) => startTimes.set(message, Date.now()),
    asyncEnd: (message) => {
      const startTime = startTimes.get(message)
      const load = message.load && loads.get(message.load)
      if (startTime === undefined) return
      const links = load === undefined ? [] : [{ context: load.spanContext() }]
      const span = tracer.startSpan(JOIN.name(message), { attributes: JOIN.attributes(message), links, startTime })
      if ('error' in message) fail(span, message)
      span.end()
    },
  })
}

/** The type of the error only: its text may contain what a loader works with. */
function fail(span: OtelSpan | undefined, { error }: { readonly error?: unknown }): void {
  const type = error instanceof Error ? error.name : typeof error
  span?.setAttribute('error.type', type)
  span?.setStatus({ code: ERROR })
}

type Subscribers<M extends object> = {
  readonly [Name in 'start' | 'error' | 'asyncEnd']?: (message: M & { readonly error?: unknown }) => unknown
}

function subscribe<M extends object>(name: string, subscribers: Subscribers<M>): () => void {
  const channel = tracingChannel<unknown, M>(name)
  // Any subset may subscribe; the type asks for all five.
  const own = subscribers as unknown as TracingChannelSubscribers<M>
  channel.subscribe(own)
  return () => channel.unsubscribe(own)
}
