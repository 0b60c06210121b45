// `getOrSetEntry`: a read, and where its value came from.
import { deferred, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only, fleet } = leavesNothing()

test('a loaded value comes from the loader, with what is left of its life and how long its load took', async () => {
  const { cache, clock } = l1Only({ ttl: 1_000 })
  const reading = cache.getOrSetEntry(
    'k',
    () => new Promise<string>((resolve) => clock.after(30, () => resolve('v'))),
    {
      tags: ['t'],
    },
  )
  const joining = cache.getOrSetEntry('k', () => 'other')
  await clock.advance(30)
  const served = { value: 'v', tier: 'loader', state: 'fresh', ageMs: 0, freshForMs: 1_000, loadMs: 30, tags: ['t'] }
  expect(await reading).toEqual({ ...served, shared: false })
  expect(await joining).toEqual({ ...served, shared: true })
})

test('a hit tells its tier, its age, and what its load took', async () => {
  const { a, b, clock } = await fleet({ ttl: 1_000 })
  const loading = a.cache.getOrSet('k', () => new Promise((resolve) => clock.after(30, () => resolve('v'))))
  await clock.advance(30)
  await loading
  await clock.advance(100)
  const hit = { value: 'v', state: 'fresh', ageMs: 100, freshForMs: 900, loadMs: 30, shared: false, tags: [] }
  expect(await a.cache.getOrSetEntry('k', () => 'other')).toEqual({ ...hit, tier: 'l1' })
  const [first, second] = await Promise.all([1, 2].map(() => b.cache.getOrSetEntry('k', () => 'other')))
  expect(first).toEqual({ ...hit, tier: 'l2' })
  expect(second).toEqual({ ...hit, tier: 'l2', shared: true })
})

test('a stale value says whether it is refreshed, or served because loading failed or took too long', async () => {
  const windows = { ttl: 100, staleWhileRevalidate: 100, staleIfError: 10_000 }
  const { cache, clock } = l1Only(windows)
  await cache.set('k', 'old')
  await clock.advance(150)
  const slow = deferred<string>()
  expect(await cache.getOrSetEntry('k', () => slow.promise)).toMatchObject({
    ...{ value: 'old', tier: 'l1', state: 'stale', ageMs: 150, freshForMs: 0 },
  })
  await clock.advance(100)
  const waiting = cache.getOrSetEntry('k', () => 'other', { softTimeout: 20 })
  await clock.advance(20)
  expect(await waiting).toMatchObject({ value: 'old', state: 'staleIfError', ageMs: 270 })
  slow.reject(new Error('down'))
  await settle()
  const served = await cache.getOrSetEntry('k', () => Promise.reject(new Error('down')))
  expect(served).toMatchObject({ value: 'old', tier: 'l1', state: 'staleIfError' })
})

test('a value that is kept nowhere has no time left', async () => {
  const { cache } = l1Only()
  const served = await cache.getOrSetEntry('k', (ctx) => {
    ctx.skip()
    return 'v'
  })
  expect(served).toMatchObject({ value: 'v', tier: 'loader', freshForMs: 0, tags: [] })
})

test('nor has one that is loaded within a hold, although its tags are known', async () => {
  const { cache } = l1Only()
  await cache.invalidateTags('t', { hold: '5s' })
  const served = await cache.getOrSetEntry('k', () => 'v', { tags: ['t'] })
  expect(served).toMatchObject({ value: 'v', tier: 'loader', freshForMs: 0, tags: [] })
})

test('it counts as one read, rejects as getOrSet does, and has its value in a request scope', async () => {
  const { cache } = l1Only()
  await expect(cache.getOrSetEntry('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down')
  await cache.requestScope(async () => {
    await cache.getOrSetEntry('k', () => 'v')
    await cache.delete('other')
    expect(await cache.getOrSetEntry('k', () => 'w')).toMatchObject({ value: 'v', tier: 'l1' })
  })
  expect(cache.stats().reads).toMatchObject({ total: 3, failed: 1, loaded: 1, hit: { l1: 1 } })
})
