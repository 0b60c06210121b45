// Metrics and spans for OpenTelemetry, on a meter and a tracer of the shape that its API has.
import type { Cache } from 'tiercache'
import { type OtelAttributes, type OtelBatchObserver, observeMetrics, traceCaches } from 'tiercache/otel'
import { deferred, settle } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

interface Instrument {
  readonly name: string
  readonly kind: 'counter' | 'gauge'
  readonly unit: string | undefined
  addCallback(): void
}

class Meter {
  readonly instruments: Instrument[] = []
  readonly #callbacks = new Set<(observer: OtelBatchObserver) => void>()

  createObservableCounter(name: string, options?: { unit?: string }): Instrument {
    return this.#add(name, 'counter', options)
  }

  createObservableGauge(name: string, options?: { unit?: string }): Instrument {
    return this.#add(name, 'gauge', options)
  }

  addBatchObservableCallback(callback: (observer: OtelBatchObserver) => void): void {
    this.#callbacks.add(callback)
  }

  removeBatchObservableCallback(callback: (observer: OtelBatchObserver) => void): void {
    this.#callbacks.delete(callback)
  }

  /** What one collection observes. */
  collect() {
    const observed: { name: string; value: number; attributes: OtelAttributes | undefined }[] = []
    const observe = (instrument: never, value: number, attributes?: OtelAttributes) => {
      observed.push({ name: (instrument as Instrument).name, value, attributes })
    }
    for (const callback of this.#callbacks) callback({ observe })
    return observed
  }

  #add(name: string, kind: Instrument['kind'], options: { unit?: string } | undefined): Instrument {
    const instrument = { name, kind, unit: options?.unit, addCallback: () => undefined }
    this.instruments.push(instrument)
    return instrument
  }
}

describe('observeMetrics', () => {
  test('makes one instrument per metric, and two for a histogram, with their units', () => {
    const { cache } = l1Only()
    const meter = new Meter()
    observeMetrics(meter, cache)
    const kinds = Object.fromEntries(meter.instruments.map(({ name, kind, unit }) => [name, `${kind} ${unit}`]))
    expect(kinds).toMatchObject({
      'tiercache.reads': 'counter 1',
      'tiercache.load_seconds': 'counter s',
      'tiercache.l1_size_bytes': 'gauge By',
      'tiercache.l2_available': 'gauge 1',
      'tiercache.load_duration_seconds.count': 'counter 1',
      'tiercache.load_duration_seconds.sum': 'counter s',
    })
    expect(new Set(meter.instruments.map(({ name }) => name)).size).toBe(meter.instruments.length)
  })

  test('observes the present values at each collection, until it is ended', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const meter = new Meter()
    const end = observeMetrics(meter, cache)
    await cache.set('k', 1)
    await cache.get('k')
    const hits = () =>
      meter.collect().find(({ name, attributes }) => name === 'tiercache.reads' && attributes?.result === 'hit')
    expect(hits()).toEqual({
      name: 'tiercache.reads',
      value: 1,
      attributes: { cache: 'shop', namespace: 'shop', result: 'hit', tier: 'l1' },
    })
    await cache.get('k')
    expect(hits()?.value).toBe(2)
    end()
    expect(meter.collect()).toEqual([])
  })

  test('refuses what is no meter and what is no cache', () => {
    const { cache } = l1Only()
    expect(() => observeMetrics({} as never, cache)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    expect(() => observeMetrics(new Meter(), 'shop' as unknown as Cache)).toThrow(/expected a cache/)
  })
})

interface RecordedSpan {
  readonly id: string
  readonly name: string
  readonly attributes: OtelAttributes
  readonly links: readonly string[]
  status: number | undefined
  isEnded: boolean
}

class Tracer {
  readonly spans: RecordedSpan[] = []

  startSpan(name: string, options: { attributes?: OtelAttributes; links?: { context: { spanId: string } }[] } = {}) {
    const { attributes = {}, links = [] } = options
    const span: RecordedSpan = {
      ...{ id: `${this.spans.length}`, name, attributes: { ...attributes }, status: undefined, isEnded: false },
      links: links.map(({ context }) => context.spanId),
    }
    this.spans.push(span)
    return {
      spanContext: () => ({ traceId: 't', spanId: span.id, traceFlags: 1 }),
      setAttribute: (key: string, value: string) => {
        span.attributes[key] = value
      },
      setStatus: ({ code }: { code: number }) => {
        span.status = code
      },
      end: () => {
        span.isEnded = true
      },
    }
  }

  named(name: string): RecordedSpan[] {
    return this.spans.filter((span) => span.name === name)
  }
}

describe('traceCaches', () => {
  let end: (() => void) | undefined
  afterEach(() => end?.())

  function trace(): Tracer {
    const tracer = new Tracer()
    end = traceCaches(tracer)
    return tracer
  }

  test('makes a span of a load, of the waits for L2 around it, and of a change', async () => {
    const { a } = await fleet({ name: 'shop' })
    const tracer = trace()
    await a.cache.namespace('n').getOrSet('k', () => 1)
    await a.cache.delete('k')
    await a.cache.drain()
    expect(tracer.spans.map(({ name }) => name)).toEqual([
      'tiercache l2 read',
      'tiercache l2 acquire',
      'tiercache load',
      'tiercache delete',
    ])
    expect(tracer.spans.every(({ isEnded }) => isEnded)).toBe(true)
    expect(tracer.named('tiercache load')[0]?.attributes).toEqual({
      'tiercache.cache': 'shop',
      'tiercache.namespace': 'shop/n',
      'tiercache.key': 'k',
      'tiercache.reason': 'miss',
    })
    expect(tracer.named('tiercache delete')[0]?.attributes).toMatchObject({ 'tiercache.count': 1 })
  })

  test('links a caller that joins to the span of the load', async () => {
    const { cache } = l1Only()
    const tracer = trace()
    const gate = deferred<number>()
    const callers = [1, 2].map(() => cache.getOrSet('k', () => gate.promise))
    await settle()
    gate.resolve(1)
    await Promise.all(callers)
    const [load] = tracer.named('tiercache load')
    expect(tracer.named('tiercache join')).toMatchObject([{ links: [load?.id], isEnded: true, status: undefined }])
  })

  test('marks a load that failed, by the type of its error and not by its text', async () => {
    const { cache } = l1Only()
    const tracer = trace()
    const callers = [1, 2].map(() => cache.getOrSet('k', () => Promise.reject(new TypeError('secret'))))
    await Promise.allSettled(callers)
    for (const name of ['tiercache load', 'tiercache join']) {
      expect(tracer.named(name)).toMatchObject([
        { status: 2, isEnded: true, attributes: { 'error.type': 'TypeError' } },
      ])
    }
    expect(JSON.stringify(tracer.spans)).not.toContain('secret')
  })

  test('makes no span for a hit in L1, and none once it is ended', async () => {
    const { cache } = l1Only()
    const tracer = trace()
    await cache.set('k', 1)
    const { length } = tracer.spans
    await cache.getOrSet('k', () => 2)
    await cache.get('k')
    expect(tracer.spans).toHaveLength(length)
    end?.()
    await cache.getOrSet('other', () => 2)
    expect(tracer.spans).toHaveLength(length)
  })

  test('refuses what is no tracer', () => {
    expect(() => traceCaches({} as never)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
  })
})
