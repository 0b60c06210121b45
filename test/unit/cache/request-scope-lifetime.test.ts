// How long a request scope lasts: as long as its work, as a response, or until it is ended by hand, and never for ever.
import { AsyncResource } from 'node:async_hooks'
import { EventEmitter } from 'node:events'
import type { Cache, CacheEvents, RequestScopeOptions } from 'tiercache'
import { deferred, record, settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

/** A cache whose key has another value after each load, and is deleted by other requests between reads. */
function changing() {
  const made = l1Only()
  const { cache } = made
  let truth = 0
  const read = () => cache.getOrSet('k', async () => ++truth)
  /** As another request would do it, outside of every scope. */
  const change = () => elsewhere.runInAsyncScope(() => cache.delete('k'))
  return { ...made, read, change, notices: record<CacheEvents>(cache, ['notice']) }
}
const elsewhere = new AsyncResource('another request')

/** Calls a handler as Express does: the call returns nothing, and the handler continues for a while. */
function middleware(cache: Cache, options: RequestScopeOptions | undefined, handler: () => Promise<unknown>) {
  let handled: Promise<unknown> = Promise.resolve()
  const next = (): void => {
    handled = handler()
  }
  const returned = cache.requestScope(next, options)
  return { returned, handled }
}

describe('a request scope with a response', () => {
  test.each(['finish', 'close'])('lasts until the response emits %s, although the work has returned', async (event) => {
    const { cache, read, change, notices } = changing()
    const response = new EventEmitter()
    const gate = deferred<void>()
    const { handled, returned } = middleware(cache, { until: response }, async () => {
      const before = await read()
      await change()
      const during = await read()
      response.emit(event)
      await gate.promise
      return [before, during, await read()]
    })
    expect(returned).toBeUndefined()
    gate.resolve()
    expect(await handled).toEqual([1, 1, 2])
    response.emit('close')
    expect(notices.events).toEqual([])
  })

  test('that has already ended ends with its work', async () => {
    const { cache, read, change } = changing()
    const response = Object.assign(new EventEmitter(), { writableEnded: true })
    const { handled } = middleware(cache, { until: response }, async () => {
      const before = await read()
      await change()
      return [before, await read()]
    })
    expect(await handled).toEqual([1, 2])
    expect(response.listenerCount('close')).toBe(0)
  })

  test('ends when the work throws', async () => {
    const { cache } = changing()
    const response = new EventEmitter()
    const fails = () => {
      throw new Error('no handler')
    }
    expect(() => cache.requestScope(fails, { until: response })).toThrow('no handler')
    expect(response.listenerCount('finish')).toBe(0)
  })
})

test('a request scope with a promise lasts until the promise has settled', async () => {
  const { cache, read, change } = changing()
  const over = deferred<void>()
  const { handled } = middleware(cache, { until: over.promise }, async () => {
    const before = await read()
    await change()
    const during = await read()
    over.reject(new Error('the request was aborted'))
    await settle()
    return [before, during, await read()]
  })
  expect(await handled).toEqual([1, 1, 2])
})

test('a scope whose work returns undefined and that has no end to wait for ends at once, which is reported once', async () => {
  const { cache, read, notices } = changing()
  for (let i = 0; i < 2; i++) await middleware(cache, undefined, read).handled
  expect(notices.of('notice')).toMatchObject([
    { code: 'SCOPE_ENDED_EARLY', detail: expect.stringContaining('until: response') },
  ])
  cache.requestScope(() => 1)
  await cache.requestScope(async () => undefined)
  expect(notices.events).toHaveLength(1)
})

describe('a request scope that is ended by hand', () => {
  test('is shared by all calls of run() until its end', async () => {
    const { cache, read, change } = changing()
    const scope = cache.openRequestScope()
    expect(await scope.run(read)).toBe(1)
    await change()
    expect([await scope.run(read), await read()]).toEqual([1, 2])
    scope.end()
    scope.end()
    expect(await scope.run(read)).toBe(2)
  })

  test('may be ended by a using block', async () => {
    const { cache, read, change } = changing()
    const scope = cache.openRequestScope()
    await scope.run(read)
    await change()
    scope[Symbol.dispose]()
    expect(await scope.run(read)).toBe(2)
  })

  test('belongs to the scope in which it is opened and ends with it', async () => {
    const { cache, read, change } = changing()
    await cache.requestScope(async () => {
      expect(await read()).toBe(1)
      await change()
      const inner = cache.openRequestScope()
      expect(await inner.run(read)).toBe(1)
      inner.end()
      expect(await read()).toBe(1)
    })
  })
})

describe('a request scope that is never ended', () => {
  test('is ended by its time limit and reported', async () => {
    const { cache, clock, read, change, notices } = changing()
    const scope = cache.openRequestScope({ limit: '1s' })
    expect(await scope.run(read)).toBe(1)
    await change()
    await clock.advance(999)
    expect(await scope.run(read)).toBe(1)
    await clock.advance(1)
    expect(await scope.run(read)).toBe(2)
    expect(notices.of('notice')).toMatchObject([{ code: 'SCOPES_NOT_ENDED' }])
  })

  test('has a default time limit, also with a response that never ends', async () => {
    const { cache, clock, read, change } = changing()
    let again: () => Promise<number> = read
    cache.requestScope(
      () => {
        const scope = cache.openRequestScope()
        again = () => scope.run(read)
      },
      { until: new EventEmitter() },
    )
    expect(await again()).toBe(1)
    await change()
    expect(await again()).toBe(1)
    await clock.advance(5 * 60_000)
    expect(await again()).toBe(2)
  })

  test('is one of 10,000 at most: further requests read without a scope', async () => {
    const { cache, read, change, notices } = changing()
    const scopes = Array.from({ length: 10_000 }, () => cache.openRequestScope())
    const beyond = cache.openRequestScope()
    await beyond.run(read)
    await change()
    expect(await beyond.run(read)).toBe(2)
    expect(notices.of('notice')).toMatchObject([{ code: 'SCOPES_NOT_ENDED' }])
    for (const scope of scopes) scope.end()
    const now = cache.openRequestScope()
    expect(await now.run(read)).toBe(2)
    await change()
    expect(await now.run(read)).toBe(2)
    now.end()
  })
})

test.each<[string, (cache: Cache) => unknown]>([
  ['work that is not a function', (cache) => cache.requestScope(1 as never)],
  ['an end that is neither promise nor response', (cache) => cache.requestScope(() => 1, { until: {} as never })],
  ['an unknown option', (cache) => cache.requestScope(() => 1, { untill: 1 } as never)],
  ['a response in the place of the options', (cache) => cache.requestScope(() => 1, new EventEmitter() as never)],
  ['a limit of 0', (cache) => cache.openRequestScope({ limit: 0 })],
  ['until of a scope that is ended by hand', (cache) => cache.openRequestScope({ until: 1 } as never)],
])('%s is refused', (_what, open) => {
  expect(() => open(l1Only().cache)).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
})
