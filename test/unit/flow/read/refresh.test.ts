// An explicit refresh loads whatever is cached, and its caller gets the result of the load. Called through `wrap`.
import { createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'

function fleet(options = {}) {
  const clock = new FakeClock()
  const server = new MemoryServer()
  const make = () => createCache({ clock, name: 'shop', l2: memoryTier(server), ...options })
  return { clock, here: make(), there: make() }
}

test('a refresh that fails rejects with the very error, and the cached value is still served', async () => {
  const { here } = fleet()
  const find = vi.fn(async () => 'v')
  const wrapped = here.wrap(find, { name: 'find' })
  await wrapped()
  const error = new Error('down')
  find.mockRejectedValueOnce(error)
  await expect(wrapped.refresh()).rejects.toBe(error)
  expect(await wrapped()).toBe('v')
  expect(find).toHaveBeenCalledTimes(2)
})

test('a refresh loads although L2 has a newer value than L1, which may be older than the change that caused the refresh', async () => {
  const { clock, here, there } = fleet()
  let truth = 1
  const read = async () => truth
  const findHere = here.wrap(read, { name: 'find' })
  const findThere = there.wrap(read, { name: 'find' })
  await findHere()
  await here.drain()
  await clock.advance(1000)
  await findThere.refresh()
  await there.drain()
  truth = 2
  expect(await findHere.refresh()).toBe(2)
})

test('a refresh loads and returns although another process is refreshing the key', async () => {
  const { here, there } = fleet()
  const gate = deferred<string>()
  const slow = here.wrap(() => gate.promise, { name: 'find' })
  const quick = there.wrap(async () => 'quick', { name: 'find' })
  await there.namespace('find').set('', 'old')
  await settle()
  const waiting = slow.refresh()
  await settle()
  expect(await quick.refresh()).toBe('quick')
  gate.resolve('slow')
  expect(await waiting).toBe('slow')
  await Promise.all([here.drain(), there.drain()])
  expect(await quick()).toBe('quick')
})

test('a refresh loads although another process loads the key, and the later value is kept', async () => {
  const { here, there } = fleet()
  const gate = deferred<string>()
  const slow = here.wrap(() => gate.promise, { name: 'find' })
  const quick = there.wrap(async () => 'new', { name: 'find' })
  const first = slow()
  await settle()
  expect(await quick.refresh()).toBe('new')
  await there.drain()
  gate.resolve('old')
  expect(await first).toBe('old')
  await here.drain()
  await settle()
  expect(await slow()).toBe('new')
})

test('a refresh waits for its load although there is a stale value', async () => {
  const { clock, here, there } = fleet({ ttl: '1s', staleWhileRevalidate: '1m' })
  let truth = 'old'
  const read = async () => truth
  await here.wrap(read, { name: 'find' })()
  await here.drain()
  await clock.advance(2000)
  truth = 'new'
  expect(await there.wrap(read, { name: 'find' }).refresh()).toBe('new')
})

test('a refresh loads although the last load has just failed', async () => {
  const { clock, here } = fleet({ ttl: '1s', staleIfError: '1m' })
  const find = vi.fn(async () => 'v')
  const wrapped = here.wrap(find, { name: 'find' })
  await wrapped()
  await clock.advance(1000)
  find.mockRejectedValueOnce(new Error('down'))
  expect(await wrapped()).toBe('v')
  find.mockResolvedValueOnce('new')
  expect(await wrapped.refresh()).toBe('new')
})

test('a loader that refreshes its own key is rejected instead of loading for ever', async () => {
  const { here } = fleet()
  const find: (() => Promise<string>) & { refresh(): Promise<string> } = here.wrap(
    async (): Promise<string> => find.refresh(),
    { name: 'find' },
  )
  await expect(find()).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
  await expect(find.refresh()).rejects.toMatchObject({ code: 'REENTRANT_LOAD' })
})
