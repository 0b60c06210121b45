// How many loads the refreshes of one key cause: simultaneous ones share one load, and none shares a load that began before it (G5).
import type { Cache } from 'tiercache'
import { deferred, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

const shapes = ['memory alone', 'an L2'] as const
async function cacheOf(shape: (typeof shapes)[number]): Promise<Cache> {
  return shape === 'memory alone' ? l1Only().cache : (await fleet()).a.cache
}

/** A loader whose calls wait for the test. */
function gated() {
  const gates: ReturnType<typeof deferred<string>>[] = []
  const load = vi.fn((_id: number, _context?: unknown) => {
    const gate = deferred<string>()
    gates.push(gate)
    return gate.promise
  })
  return { gates, load }
}

describe.each(shapes)('with %s', (shape) => {
  test.each(['a source', 'a source that loads many', 'a wrapped function'])(
    'two simultaneous refreshes of %s make one load',
    async (kind) => {
      const cache = await cacheOf(shape)
      const load = vi.fn(async (id: number) => `v${id}`)
      const loadMany = vi.fn(async (ids: readonly number[]) => ids.map((id) => `v${id}`))
      const users =
        kind === 'a wrapped function'
          ? cache.wrap((id: number) => load(id), { name: 'find' })
          : cache.source('users', kind === 'a source' ? { load: (id: number) => load(id) } : { loadMany })
      expect(await Promise.all([users.refresh(1), users.refresh(1), users.refresh(1)])).toEqual(['v1', 'v1', 'v1'])
      expect(load.mock.calls.length + loadMany.mock.calls.length).toBe(1)
    },
  )

  test('refreshes that come while one runs share the next one, which begins when that one has ended', async () => {
    const cache = await cacheOf(shape)
    const { gates, load } = gated()
    const users = cache.source('users', { load: (id: number) => load(id) })
    const first = users.refresh(1)
    await settle()
    expect(load).toHaveBeenCalledTimes(1)
    const later = [users.refresh(1), users.refresh(1), users.refresh(1)]
    await settle()
    expect(load).toHaveBeenCalledTimes(1)
    gates[0]?.resolve('old')
    expect(await first).toBe('old')
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
    gates[1]?.resolve('new')
    expect(await Promise.all(later)).toEqual(['new', 'new', 'new'])
    expect(await users.get(1)).toBe('new')
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
  })

  test('a waiting refresh begins also if the one before it fails, and its caller may leave with its signal', async () => {
    const cache = await cacheOf(shape)
    const { gates, load } = gated()
    const users = cache.source('users', { load: (id: number) => load(id) })
    const first = users.refresh(1).catch((error: unknown) => error)
    await settle()
    const controller = new AbortController()
    const second = users.refresh(1)
    const leaving = users.refresh(1, { signal: controller.signal }).catch((error: unknown) => error)
    await settle()
    controller.abort('gone')
    expect(await leaving).toBe('gone')
    gates[0]?.reject(new Error('down'))
    expect(await first).toMatchObject({ message: 'down' })
    await settle()
    gates[1]?.resolve('new')
    expect(await second).toBe('new')
  })

  test('a refresh of a key that is not cached does not wait for a hanging load, and its value is stored', async () => {
    const cache = await cacheOf(shape)
    const { gates, load } = gated()
    const users = cache.source('users', { load: (id: number) => load(id) })
    const hanging = users.get(1)
    await settle()
    const refreshed = users.refresh(1)
    await settle()
    expect(load).toHaveBeenCalledTimes(2)
    gates[1]?.resolve('new')
    expect(await refreshed).toBe('new')
    await settle()
    expect(await users.get(1)).toBe('new')
    gates[0]?.resolve('old')
    expect(await hanging).toBe('old')
    await settle()
    expect(await users.get(1)).toBe('new')
  })

  test('an aborted signal rejects with its reason before anything is read', async () => {
    const cache = await cacheOf(shape)
    const load = vi.fn(() => 'loaded')
    const users = cache.source('users', { load })
    const wrapped = cache.wrap((_id: number, _options: { signal: AbortSignal }) => load(), { name: 'find' })
    const signal = AbortSignal.abort('gone')
    for (const state of ['cold', 'in memory', 'in a scope']) {
      const reads = () => [
        cache.getOrSet('k', load, { signal }),
        cache.get('k', { signal }),
        cache.getMany(['k'], { signal }),
        cache.getOrSetMany(['k'], (keys) => keys.map(load), { signal }),
        users.get(1, { signal }),
        users.getMany([1], { signal }),
        users.refresh(1, { signal }),
        wrapped(1, { signal }),
        wrapped.refresh(1, { signal }),
      ]
      const settled = await (state === 'in a scope'
        ? cache.requestScope(async () => {
            await cache.get('k')
            return Promise.allSettled(reads())
          })
        : Promise.allSettled(reads()))
      expect(settled).toEqual(settled.map(() => ({ status: 'rejected', reason: 'gone' })))
      expect(load).not.toHaveBeenCalled()
      await cache.set('k', 'v')
      await cache.namespace('users').set(users.keyOf(1), 'v')
    }
  })
})

test('a refresh whose callers leave before it begins loads nothing', async () => {
  const { cache } = l1Only()
  const load = vi.fn(() => 'v')
  const controller = new AbortController()
  const users = cache.source('users', { load })
  const refreshed = users.refresh(1, { signal: controller.signal }).catch((error: unknown) => error)
  controller.abort('gone')
  expect(await refreshed).toBe('gone')
  await settle()
  expect(load).not.toHaveBeenCalled()
})

describe.each(shapes)('the tags of a caller that joins a load, with %s,', (shape) => {
  test.each([
    ['before the loader is called', ['t'], false],
    ['while it runs', ['t'], true],
    ['while it runs, as a function', () => ['t'], true],
  ] as const)('are added to the value’s tags: joined %s', async (_, tags, isLater) => {
    const cache = await cacheOf(shape)
    await cache.set('warm', 1, { tags: ['t'] })
    const gate = deferred<string>()
    const first = cache.getOrSet('k', () => gate.promise, { tags: ['own'] })
    if (isLater) await settle()
    const second = cache.getOrSet('k', () => 'another', { tags: typeof tags === 'function' ? tags : [...tags] })
    await settle()
    gate.resolve('v')
    expect(await Promise.all([first, second])).toEqual(['v', 'v'])
    await cache.drain()
    expect(await cache.lookup('k')).toMatchObject({ found: true, tags: expect.arrayContaining(['own', 't']) })
    await cache.invalidateTags('t')
    expect(await cache.get('k')).toBeUndefined()
  })

  test('keep it from being stored if they are invalidated meanwhile', async () => {
    const cache = await cacheOf(shape)
    const gate = deferred<string>()
    const first = cache.getOrSet('k', () => gate.promise)
    await settle()
    const second = cache.getOrSet('k', () => 'another', { tags: ['t'] })
    await settle()
    await cache.invalidateTags('t')
    gate.resolve('old')
    expect(await Promise.all([first, second])).toEqual(['old', 'old'])
    await cache.drain()
    expect(await cache.get('k')).toBeUndefined()
  })

  test('prevent a caller after their invalidation from getting a value loaded before it', async () => {
    const cache = await cacheOf(shape)
    const gate = deferred<string>()
    const first = cache.getOrSet('k', () => gate.promise)
    await settle()
    await cache.invalidateTags('t')
    const second = cache.getOrSet('k', () => 'new', { tags: ['t'] })
    await settle()
    gate.resolve('old')
    expect(await first).toBe('old')
    expect(await second).toBe('new')
  })
})
