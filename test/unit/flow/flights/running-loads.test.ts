// The async context in which loads are found again: before Node 24 it slows down every promise of the process while it is enabled.
import { AsyncLocalStorage } from 'node:async_hooks'
import { afterEach, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

afterEach(() => {
  vi.restoreAllMocks()
})

test.each<[string, (cache: ReturnType<typeof l1Only>['cache']) => Promise<unknown>]>([
  ['a loader that hangs', (cache) => cache.getOrSet('k', () => new Promise(() => {}))],
  ['a slot that nobody fills', (cache) => cache.reserve('k')],
])('it is disabled once the hardTimeout of %s has passed', async (_what, begin) => {
  const { cache, clock } = l1Only({ hardTimeout: 500 })
  const disable = vi.spyOn(AsyncLocalStorage.prototype, 'disable')
  begin(cache).catch(() => undefined)
  await clock.advance(499)
  expect(disable).not.toHaveBeenCalled()
  await clock.advance(1)
  expect(disable).toHaveBeenCalledTimes(1)
})
