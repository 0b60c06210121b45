// The verbs of wrapped functions.
import { createCache } from 'tiercache'
import { deferred, FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test, vi } from 'vitest'

function counting(options = {}) {
  let n = 0
  const count = vi.fn(async (_id: string, _more?: number) => ++n)
  const clock = new FakeClock()
  const cache = createCache({ clock, name: 'shop' })
  return { clock, cache, count, counted: cache.wrap(count, { name: 'count', ...options }) }
}

test('after invalidate the call with these arguments runs again, and others do not', async () => {
  const { count, counted } = counting()
  await counted('a', 1)
  await counted('b', 1)
  expect(await counted.invalidate('a', 1)).toBe('applied')
  expect(await counted('a', 1)).toBe(3)
  expect(await counted('b', 1)).toBe(2)
  expect(count).toHaveBeenCalledTimes(3)
})

test('invalidate wins over a running call', async () => {
  const { cache } = counting()
  const gates = [deferred<string>(), deferred<string>()]
  let run = 0
  const find = cache.wrap(() => gates[run++]?.promise as Promise<string>, { name: 'find' })
  const before = find()
  await settle()
  await find.invalidate()
  const after = find()
  gates[0]?.resolve('old')
  gates[1]?.resolve('new')
  expect(await before).toBe('old')
  expect(await after).toBe('new')
  expect(await find()).toBe('new')
})

test('invalidate reaches other processes', async () => {
  const server = new MemoryServer()
  const clock = new FakeClock()
  const [here, there] = [1, 2].map(() => createCache({ clock, name: 'shop', l2: memoryTier(server) }))
  let n = 0
  const count = async (_id: string) => ++n
  const countHere = here?.wrap(count)
  const countThere = there?.wrap(count)
  expect([await countHere?.('a'), await countThere?.('a')]).toEqual([1, 1])
  await Promise.all([here?.drain(), there?.drain()])
  await countHere?.invalidate('a')
  await settle()
  expect(await countThere?.('a')).toBe(2)
})

test('refresh runs the function although a result is cached, and caches the new result', async () => {
  const { counted } = counting()
  expect(await counted('a')).toBe(1)
  expect(await counted.refresh('a')).toBe(2)
  expect(await counted('a')).toBe(2)
})

test('refresh rejects as the function does and keeps the cached result', async () => {
  const { count, counted } = counting()
  await counted('a')
  const error = new Error('down')
  count.mockRejectedValueOnce(error)
  await expect(counted.refresh('a')).rejects.toBe(error)
  expect(await counted('a')).toBe(1)
})

test('refresh takes `this` like any method', async () => {
  const { cache } = counting()
  const find = cache.wrap(
    async function (this: { db: string }, id: string) {
      return `${this.db} ${id}`
    },
    { name: 'find' },
  )
  expect(await find.refresh.call({ db: 'main' } as never, 'a')).toBe('main a')
})

test('peek returns the result in L1 and does not run the function', async () => {
  const { count, counted } = counting()
  expect(counted.peek('a')).toBeUndefined()
  await counted('a')
  expect(counted.peek('a')).toBe(1)
  expect(count).toHaveBeenCalledTimes(1)
})

test('keyOf names the entry in the namespace of the function', async () => {
  const { cache, counted } = counting()
  await counted('a', 2)
  expect(counted.keyOf('a', 2)).toBe('a,2')
  expect(await cache.namespace('count').explain(counted.keyOf('a', 2))).toMatchObject({ scope: 'shop/count' })
  expect(await cache.namespace('count').get(counted.keyOf('a', 2))).toBe(1)
})

test('touch renews the idle life of a result without running the function, and says whether there is one', async () => {
  const { cache, clock, count } = counting()
  const counted = cache.wrap(count, { name: 'idle', ttl: '1h', idleTtl: 1_000 })
  expect(await counted.touch('a')).toBe(false)
  await counted('a')
  for (let i = 0; i < 3; i++) {
    await clock.advance(900)
    expect(await counted.touch('a')).toBe(true)
  }
  expect(await counted('a')).toBe(1)
  await clock.advance(1_000)
  expect(await counted.touch('a')).toBe(false)
  expect(count).toHaveBeenCalledTimes(1)
})

test('set stores a result for a call, with its tags and ttl', async () => {
  const { cache, clock, count } = counting()
  const counted = cache.wrap(count, {
    name: 'stored',
    tags: (id) => [`id:${id}`],
    tagsOf: (result) => [`result:${result}`],
    ttlOf: (result) => result,
  })
  await counted.set(['a'], 5000)
  await counted.set(['b'], 6000)
  await counted.set(['c'], 7000)
  expect(await counted('a')).toBe(5000)
  await clock.advance(5000)
  expect(counted.peek('a')).toBeUndefined()
  await cache.invalidateTags(['id:b', 'result:7000'])
  expect([counted.peek('b'), counted.peek('c')]).toEqual([undefined, undefined])
  expect(count).not.toHaveBeenCalled()
})

test('clear removes the results of every call of the function and of no other function', async () => {
  const { cache, count, counted } = counting()
  const other = cache.wrap(async (id: string) => id, { name: 'other' })
  for (const id of ['a', 'b']) await Promise.all([counted(id), other(id)])
  await counted.clear()
  expect([counted.peek('a'), counted.peek('b'), other.peek('a')]).toEqual([undefined, undefined, 'a'])
  await counted('a')
  expect(count).toHaveBeenCalledTimes(3)
})

test('the verbs work without their function as `this`', async () => {
  const { counted } = counting()
  const { invalidate, refresh, keyOf, peek } = counted
  await counted('a')
  expect(await refresh('a')).toBe(2)
  await invalidate('a')
  expect([keyOf('a'), peek('a')]).toEqual(['a', undefined])
})

test('after close every verb rejects or returns as the cache does', async () => {
  const { cache, counted } = counting()
  await counted('a')
  await cache.close()
  for (const call of [() => counted('b'), () => counted.refresh('a'), () => counted.invalidate('a')]) {
    await expect(call()).rejects.toMatchObject({ code: 'CLOSED' })
  }
})
