// A loader that hangs, or waits for itself, does not block its key for the callers of two processes.
import type { Cache } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Fleet, FORMS } from './fleet-of-caches.js'

const never = () => deferred<string>().promise
/** A loader that hangs, and the moment of its call. */
function hangingLoader() {
  const begun = deferred()
  const hangs = () => {
    begun.resolve()
    return never()
  }
  return { begun: begun.promise, hangs }
}
const codeOf = (promise: Promise<unknown>) => promise.catch((error: { code?: string }) => error.code)

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo({}, { leaseTtl: '1s' })
  })

  afterAll(() => fleet.stop())

  test('a loader that hangs blocks its key in other processes until its hardTimeout at most', async () => {
    const { begun, hangs } = hangingLoader()
    const hanging = codeOf(a.getOrSet('hung', hangs, { hardTimeout: '500ms' }))
    await begun
    const answered = b.getOrSet('hung', () => 'loaded')
    expect(await hanging).toBe('LOAD_TIMEOUT')
    expect(await answered).toBe('loaded')
    await b.drain()
    expect(await a.getOrSet('hung', () => 'loaded again')).toBe('loaded')
  })

  test.each(['its own process', 'another'])(
    'a delete by %s frees the key of a loader that hangs, so that the next caller loads at once',
    async (who) => {
      const by = who === 'another' ? b : a
      const { begun, hangs } = hangingLoader()
      let isHanging = true
      const hanging = codeOf(a.getOrSet(who, hangs, { hardTimeout: '2s' })).finally(() => {
        isHanging = false
      })
      await begun
      expect(await by.delete(who)).toBe('applied')
      expect(await by.getOrSet(who, () => 'loaded')).toBe('loaded')
      expect(isHanging).toBe(true)
      expect(await hanging).toBe('LOAD_TIMEOUT')
    },
  )

  test('a loader that asks for its own key is rejected with REENTRANT_LOAD, directly and through another key', async () => {
    const itself = (): Promise<unknown> => a.getOrSet('self', itself)
    expect(await codeOf(a.getOrSet('self', itself))).toBe('REENTRANT_LOAD')
    const one = (): Promise<unknown> => a.getOrSet('two', two)
    const two = (): Promise<unknown> => a.getOrSet('one', one)
    expect(await codeOf(a.getOrSet('one', one))).toBe('REENTRANT_LOAD')
    expect(await b.getOrSet('self', () => 'loaded')).toBe('loaded')
  })
})
