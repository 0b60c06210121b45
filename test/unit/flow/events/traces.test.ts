// The channels of `node:diagnostics_channel`: what is published of loads, callers that join, waits for L2 and changes.
import { AsyncLocalStorage } from 'node:async_hooks'
import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel'
import type { ChangeTrace, JoinTrace, L2Trace, LoadTrace } from 'tiercache'
import { deferred, settle } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

interface Messages {
  readonly load: LoadTrace
  readonly join: JoinTrace
  readonly l2: L2Trace
  readonly change: ChangeTrace
}
interface Heard<Name extends keyof Messages> {
  readonly what: 'start' | 'error' | 'asyncEnd'
  readonly message: Messages[Name]
}

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0)) end()
})

/** Listens to one channel until the end of the test. */
function listen<Name extends keyof Messages>(name: Name): Heard<Name>[] {
  const heard: Heard<Name>[] = []
  const channel = tracingChannel<unknown, Messages[Name]>(`tiercache:${name}`)
  const note = (what: Heard<Name>['what']) => (message: Messages[Name]) => void heard.push({ what, message })
  const subscribers = {
    start: note('start'),
    error: note('error'),
    asyncEnd: note('asyncEnd'),
  } as unknown as TracingChannelSubscribers<Messages[Name]>
  channel.subscribe(subscribers)
  ends.push(() => channel.unsubscribe(subscribers))
  return heard
}

describe('a load', () => {
  test('is published from its start to its end, with one message', async () => {
    const { cache } = l1Only({ name: 'shop' })
    const heard = listen('load')
    const gate = deferred<number>()
    const caller = cache.namespace('n').getOrSet('k', () => gate.promise)
    await settle()
    expect(heard.map(({ what }) => what)).toEqual(['start'])
    gate.resolve(1)
    await caller
    expect(heard.map(({ what }) => what)).toEqual(['start', 'asyncEnd'])
    expect(heard[1]?.message).toBe(heard[0]?.message)
    expect(heard[0]?.message).toEqual({ cache: 'shop', scope: 'shop/n', key: 'k', reason: 'miss' })
  })

  test('that fails is published with its error', async () => {
    const { cache } = l1Only()
    const heard = listen('load')
    const down = new Error('down')
    await cache.getOrSet('k', () => Promise.reject(down)).catch(() => undefined)
    await cache
      .getOrSet('j', () => {
        throw down
      })
      .catch(() => undefined)
    expect(heard.map(({ what }) => what)).toEqual(['start', 'error', 'asyncEnd', 'start', 'error', 'asyncEnd'])
    expect(heard[2]?.message.error).toBe(down)
  })

  test('that its time limit ends, or that all its callers leave, ends once', async () => {
    const { cache, clock } = l1Only()
    const heard = listen('load')
    const gates = [deferred<number>(), deferred<number>()]
    const late = cache.getOrSet('late', () => gates[0]!.promise, { hardTimeout: 10 }).catch(() => undefined)
    const leaving = new AbortController()
    const left = cache.getOrSet('left', () => gates[1]!.promise, { signal: leaving.signal }).catch(() => undefined)
    await clock.advance(10)
    leaving.abort()
    await Promise.all([late, left])
    await settle()
    for (const gate of gates) gate.resolve(1)
    await settle()
    const of = (key: string) => heard.filter(({ message }) => message.key === key).map(({ what }) => what)
    expect(of('late')).toEqual(['start', 'error', 'asyncEnd'])
    expect(of('left')).toEqual(['start', 'error', 'asyncEnd'])
  })

  test('in the background is published as what it is', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 100 })
    await cache.set('k', 1)
    await clock.advance(10)
    const heard = listen('load')
    await cache.getOrSet('k', () => 2)
    await settle()
    await cache.source('s', { load: () => 1 }).refresh(1)
    expect(heard.filter(({ what }) => what === 'start').map(({ message }) => message.reason)).toEqual([
      'stale',
      'refresh',
    ])
  })

  test('runs in the context that a tracer binds to the channel', async () => {
    const { cache } = l1Only()
    const spans = new AsyncLocalStorage<string>()
    const { start } = tracingChannel<string, LoadTrace>('tiercache:load')
    start.bindStore(spans, ({ key }) => `span of ${key}`)
    ends.push(() => start.unbindStore(spans))
    const load = async () => {
      await settle()
      return spans.getStore()
    }
    expect(await Promise.all(['a', 'b'].map((key) => cache.getOrSet(key, load)))).toEqual(['span of a', 'span of b'])
    expect(spans.getStore()).toBeUndefined()
  })

  test('names its key as events do', async () => {
    const { cache } = l1Only({ eventKeys: 'omitted' })
    const heard = listen('load')
    await cache.getOrSet('secret', () => 1)
    expect(heard[0]?.message.key).toBe('(omitted)')
  })
})

describe('a caller that joins a load', () => {
  test('is published with the message of that load', async () => {
    const { cache } = l1Only()
    const loads = listen('load')
    const joins = listen('join')
    const gate = deferred<number>()
    const callers = [1, 2, 3].map(() => cache.getOrSet('k', () => gate.promise))
    await settle()
    gate.resolve(1)
    await Promise.all(callers)
    expect(joins.map(({ what }) => what)).toEqual(['start', 'start', 'asyncEnd', 'asyncEnd'])
    expect(joins[2]?.message.load).toBe(loads[0]?.message)
  })

  test('is published with the error that it gets', async () => {
    const { cache } = l1Only()
    const joins = listen('join')
    const down = new Error('down')
    await Promise.allSettled([1, 2].map(() => cache.getOrSet('k', () => Promise.reject(down))))
    expect(joins.map(({ what }) => what)).toEqual(['start', 'error', 'asyncEnd'])
    expect(joins[1]?.message.error).toBe(down)
  })
})

describe('a wait for L2', () => {
  test('is published for a read, for the right to load, and for reads that never load', async () => {
    const { a } = await fleet({ name: 'shop' })
    const heard = listen('l2')
    await a.cache.getOrSet('k', () => 1)
    await a.cache.get('none')
    await a.cache.getMany(['x', 'y'])
    await a.cache.drain()
    const starts = heard.filter(({ what }) => what === 'start').map(({ message: { key, wait } }) => [key, wait])
    expect(starts).toEqual([
      ['k', 'read'],
      ['k', 'acquire'],
      ['none', 'read'],
      [undefined, 'read'],
    ])
    expect(heard.filter(({ what }) => what === 'asyncEnd')).toHaveLength(4)
  })
})

describe('a change', () => {
  test('is published with its verb and how much it concerns', async () => {
    const { a } = await fleet({ name: 'shop' })
    const heard = listen('change')
    await a.cache.set('k', 1)
    await a.cache.delete(['k', 'j'])
    await a.cache.invalidateTags(['t', 'u', 'v'])
    await a.cache.namespace('n').expireAll()
    const starts = heard.filter(({ what }) => what === 'start').map(({ message }) => message)
    expect(starts).toEqual([
      { cache: 'shop', scope: 'shop', by: 'set', count: 1 },
      { cache: 'shop', scope: 'shop', by: 'delete', count: 2 },
      { cache: 'shop', scope: 'shop', by: 'invalidateTags', count: 3 },
      { cache: 'shop', scope: 'shop/n', by: 'expireAll', count: 1 },
    ])
    expect(heard.filter(({ what }) => what === 'asyncEnd')).toHaveLength(4)
  })

  test('takes effect at once, whether anybody listens or not', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    listen('change')
    const deleting = cache.delete('k')
    expect(cache.peek('k')).toBeUndefined()
    await deleting
  })
})

test('a hit in L1 publishes nothing', async () => {
  const { a } = await fleet()
  await a.cache.set('k', 1)
  const all = [listen('load'), listen('join'), listen('l2'), listen('change')]
  await a.cache.getOrSet('k', () => 2)
  await a.cache.get('k')
  expect(all.flat()).toEqual([])
})
