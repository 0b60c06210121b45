// `lateResult`: what a load returns after its hardTimeout may be kept.
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

describe('a load that goes on after its hardTimeout', () => {
  test('rejects its callers with LOAD_TIMEOUT, and its value is there for the next caller, in every process', async () => {
    const { a, b, clock } = await fleet({ hardTimeout: 500, lateResult: '1m' })
    const gate = deferred<string>()
    const signals: AbortSignal[] = []
    const caller = a.cache
      .getOrSet('k', (ctx) => {
        signals.push(ctx.signal)
        return gate.promise
      })
      .catch((error: unknown) => error)
    await clock.advance(500)
    expect(await caller).toMatchObject({ code: 'LOAD_TIMEOUT' })
    expect(signals[0]?.aborted).toBe(false)
    await clock.advance(5_000)
    gate.resolve('late')
    await clock.advance(1)
    expect([await a.cache.get('k'), await b.cache.get('k')]).toEqual(['late', 'late'])
  })

  test('is aborted when lateResult is over, and nothing of it is kept', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500, lateResult: 1_000 })
    const gate = deferred<string>()
    let signal: AbortSignal | undefined
    const caller = cache
      .getOrSet('k', (ctx) => {
        signal = ctx.signal
        return gate.promise
      })
      .catch(() => 'rejected')
    await clock.advance(1_499)
    expect(signal?.aborted).toBe(false)
    await clock.advance(1)
    expect([await caller, signal?.aborted]).toEqual(['rejected', true])
    gate.resolve('too late')
    await settle()
    expect(await cache.has('k')).toBe(false)
  })

  test.each(['delete', 'expire', 'clear', 'invalidateTags', 'set'] as const)(
    '%s after its hardTimeout wins over it',
    async (verb) => {
      for (const shape of ['memory', 'L2']) {
        const { cache, clock } =
          shape === 'memory'
            ? l1Only({ hardTimeout: 500, lateResult: '1m' })
            : await fleet({ hardTimeout: 500, lateResult: '1m' }).then(({ a, clock }) => ({ cache: a.cache, clock }))
        const gate = deferred<string>()
        const caller = cache.getOrSet('k', () => gate.promise, { tags: ['t'] }).catch(() => 'rejected')
        await clock.advance(600)
        expect(await caller).toBe('rejected')
        if (verb === 'clear') await cache.clear()
        else if (verb === 'invalidateTags') await cache.invalidateTags('t')
        else if (verb === 'set') await cache.set('k', 'set')
        else await cache[verb]('k')
        gate.resolve('old')
        await clock.advance(10)
        expect(await cache.get('k')).toBe(verb === 'set' ? 'set' : undefined)
      }
    },
  )

  test('does not replace the value of a later load that was faster', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500, lateResult: '1m' })
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise).catch(() => 'rejected')
    await clock.advance(500)
    expect(await caller).toBe('rejected')
    await clock.advance(10)
    expect(await cache.getOrSet('k', () => 'newer')).toBe('newer')
    gate.resolve('older')
    await settle()
    expect(await cache.get('k')).toBe('newer')
  })

  test('stores nothing if a refresh had begun before its hardTimeout', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500, lateResult: '1m' })
    const [older, newer] = [deferred<string>(), deferred<string>()]
    const caller = cache.getOrSet('k', () => older.promise).catch(() => 'rejected')
    await clock.advance(100)
    const refreshing = cache.refresh('k', () => newer.promise)
    await clock.advance(400)
    expect(await caller).toBe('rejected')
    older.resolve('older')
    await settle()
    expect(cache.peek('k')).toBeUndefined()
    newer.resolve('newer')
    expect(await refreshing).toBe('newer')
    expect(await cache.get('k')).toBe('newer')
  })

  test('that fails late disturbs nobody', async () => {
    const { cache, clock } = l1Only({ hardTimeout: 500, lateResult: '1m' })
    const gate = deferred<string>()
    const caller = cache.getOrSet('k', () => gate.promise).catch(() => 'rejected')
    await clock.advance(500)
    expect(await caller).toBe('rejected')
    gate.reject(new Error('down'))
    await settle()
    expect(cache.stats().loadFailures).toBe(1)
    expect(await cache.getOrSet('k', () => 'v')).toBe('v')
  })
})
