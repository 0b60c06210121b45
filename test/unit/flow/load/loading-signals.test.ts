// AbortSignals: a caller leaves without ending the flight, and the loader learns that no caller waits any more.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

function hanging() {
  const gate = deferred<string>()
  const seen: { signal?: AbortSignal } = {}
  const load = vi.fn((ctx: { readonly signal: AbortSignal }) => {
    seen.signal = ctx.signal
    return gate.promise
  })
  return { gate, seen, load }
}

describe('a caller’s signal', () => {
  test('that was aborted before the call rejects with its reason and loads nothing', async () => {
    const { cache } = l1Only()
    const load = vi.fn(() => 1)
    await expect(cache.getOrSet('k', load, { signal: AbortSignal.abort('gone') })).rejects.toBe('gone')
    expect(load).not.toHaveBeenCalled()
  })

  test('lets that caller leave with its reason; the others are served by the same load', async () => {
    const { cache } = l1Only()
    const { gate, seen, load } = hanging()
    const abort = new AbortController()
    const leaving = cache.getOrSet('k', load, { signal: abort.signal })
    const staying = cache.getOrSet('k', load)
    await settle()
    const reason = new Error('the request was closed')
    abort.abort(reason)
    await expect(leaving).rejects.toBe(reason)
    expect(seen.signal?.aborted).toBe(false)
    gate.resolve('v')
    expect(await staying).toBe('v')
    expect(load).toHaveBeenCalledTimes(1)
  })

  test('of the last waiting caller aborts the loader and frees the key', async () => {
    const { cache } = l1Only()
    const { seen, load } = hanging()
    const aborts = [new AbortController(), new AbortController()]
    const callers = aborts.map((abort) => cache.getOrSet('k', load, { signal: abort.signal }))
    const outcomes = Promise.allSettled(callers)
    await settle()
    aborts[0]?.abort()
    await settle()
    expect(seen.signal?.aborted).toBe(false)
    aborts[1]?.abort()
    await outcomes
    expect(seen.signal?.aborted).toBe(true)
    expect(seen.signal?.reason).toMatchObject({ name: 'AbortError' })
    expect(await cache.getOrSet('k', () => 'next')).toBe('next')
  })

  test('has no effect once the load has returned', async () => {
    const { cache } = l1Only()
    const abort = new AbortController()
    const { gate, seen, load } = hanging()
    const caller = cache.getOrSet('k', load, { signal: abort.signal })
    await settle()
    gate.resolve('v')
    expect(await caller).toBe('v')
    abort.abort()
    await settle()
    expect(seen.signal?.aborted).toBe(false)
    expect(await cache.get('k')).toBe('v')
  })

  test('does not prevent a hit', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1)
    expect(await cache.getOrSet('k', () => 2, { signal: new AbortController().signal })).toBe(1)
  })

  test('leaves no listener behind, whatever the outcome', async () => {
    const { cache } = l1Only()
    const abort = new AbortController()
    const added = vi.spyOn(abort.signal, 'addEventListener')
    const removed = vi.spyOn(abort.signal, 'removeEventListener')
    await cache.getOrSet('a', async () => 1, { signal: abort.signal })
    await cache.getOrSet('b', () => Promise.reject(new Error('no')), { signal: abort.signal }).catch(() => undefined)
    expect(added).toHaveBeenCalledTimes(2)
    expect(removed).toHaveBeenCalledTimes(2)
  })

  test('a caller that left causes no unhandled rejection if the load fails later', async () => {
    const { cache } = l1Only()
    const { gate, load } = hanging()
    const abort = new AbortController()
    const caller = cache.getOrSet('k', load, { signal: abort.signal }).catch((error: unknown) => error)
    await settle()
    abort.abort('gone')
    expect(await caller).toBe('gone')
    gate.reject(new Error('no caller is left'))
    await settle()
  })

  test('an abandoned load gives its lease back, so that another process need not wait', async () => {
    const { a, b, clock } = await fleet()
    const { load } = hanging()
    const abort = new AbortController()
    const caller = a.cache.getOrSet('k', load, { signal: abort.signal }).catch(() => 'left')
    await clock.advance(1)
    abort.abort()
    expect(await caller).toBe('left')
    await clock.advance(1)
    const other = b.cache.getOrSet('k', () => 'b')
    await clock.advance(1)
    expect(await other).toBe('b')
  })
})

describe('the loader’s signal', () => {
  test('does not abort while a caller without a signal waits', async () => {
    const { cache } = l1Only()
    const { gate, seen, load } = hanging()
    const caller = cache.getOrSet('k', load)
    await settle()
    expect(seen.signal?.aborted).toBe(false)
    gate.resolve('v')
    await caller
    expect(seen.signal?.aborted).toBe(false)
  })

  test('does not abort during a background refresh', async () => {
    const { cache, clock } = l1Only({ ttl: 10, staleWhileRevalidate: 100 })
    await cache.set('k', 'old')
    await clock.advance(10)
    const { gate, seen, load } = hanging()
    const abort = new AbortController()
    expect(await cache.getOrSet('k', load, { signal: abort.signal })).toBe('old')
    await settle()
    abort.abort()
    expect(seen.signal?.aborted).toBe(false)
    gate.resolve('new')
    await settle()
    expect(await cache.get('k')).toBe('new')
  })

  test('can be read for the first time after it was aborted', async () => {
    const { cache } = l1Only()
    const gate = deferred<void>()
    let wasAborted: boolean | undefined
    const abort = new AbortController()
    const caller = cache
      .getOrSet(
        'k',
        async (ctx) => {
          await gate.promise
          wasAborted = ctx.signal.aborted
        },
        { signal: abort.signal },
      )
      .catch(() => 'left')
    await settle()
    abort.abort()
    expect(await caller).toBe('left')
    gate.resolve()
    await settle()
    expect(wasAborted).toBe(true)
  })
})
