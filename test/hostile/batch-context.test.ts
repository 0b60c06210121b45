// Two requests of one process ask for different ids in one tick. Each has an async context of its own, with its tenant and its rights.
import { AsyncLocalStorage } from 'node:async_hooks'
import { createCache, type SourceDefinition } from 'tiercache'
import { FakeClock, memoryTier } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'

const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})

const tenant = new AsyncLocalStorage<string>()

function open(l2: 'with L2' | 'without L2', clock = new FakeClock()) {
  const cache = createCache({ logger: false, clock, ...(l2 === 'with L2' && { l2: memoryTier() }) })
  opened.push(cache)
  return cache
}

/** A source whose values tell for which tenant they were loaded. */
function sourceOf(cache: ReturnType<typeof open>, options: Partial<SourceDefinition<string, string>> = {}) {
  return cache.source<string, string>('rows', {
    loadMany: async (ids) => {
      await Promise.resolve()
      return ids.map((id) => `${id} for ${tenant.getStore() ?? 'nobody'}`)
    },
    ...options,
  } as SourceDefinition<string, string>)
}

describe.each(['with L2', 'without L2'] as const)('a batch %s', (l2) => {
  test('runs in the context in which its source was created, not in that of its first caller', async () => {
    const cache = open(l2)
    const rows = sourceOf(cache)
    const read = (name: string, id: string) => tenant.run(name, () => rows.get(id))
    expect(await Promise.all([read('a', '1'), read('b', '2')])).toEqual(['1 for nobody', '2 for nobody'])
    // The same for a batch of one.
    expect(await read('a', '3')).toBe('3 for nobody')
  })

  test('of one id, which goes to load, runs there too', async () => {
    const cache = open(l2)
    const rows = sourceOf(cache, { load: (id) => `${id} for ${tenant.getStore() ?? 'nobody'}` })
    expect(await tenant.run('a', () => rows.get('1'))).toBe('1 for nobody')
  })

  test('runs in the request context in which its source was created, if there was one', async () => {
    const cache = open(l2)
    const rows = tenant.run('start', () => sourceOf(cache))
    expect(await tenant.run('a', () => rows.get('1'))).toBe('1 for start')
  })

  test("runs in the context of its first caller with batchContext: 'caller'", async () => {
    const cache = open(l2)
    const rows = sourceOf(cache, { batchContext: 'caller' })
    const read = (name: string, id: string) => tenant.run(name, () => rows.get(id))
    expect(await Promise.all([read('a', '1'), read('b', '2')])).toEqual(['1 for a', '2 for a'])
    expect(await read('b', '3')).toBe('3 for b')
  })

  test('of getOrSetMany runs in the context of its caller', async () => {
    const cache = open(l2)
    const read = (name: string, key: string) =>
      tenant.run(name, () => cache.getOrSetMany([key], async (keys) => keys.map(() => tenant.getStore())))
    expect(await Promise.all([read('a', '1'), read('b', '2')])).toEqual([['a'], ['b']])
  })
})

describe('a load of a single key', () => {
  test.each(['with L2', 'without L2'] as const)('runs in the context of its caller, %s', async (l2) => {
    const cache = open(l2)
    const rows = cache.source<string, string | undefined>('rows', { load: () => tenant.getStore() })
    const read = (name: string) =>
      tenant.run(name, () => Promise.all([rows.get(name), cache.getOrSet(name, () => tenant.getStore())]))
    expect(await Promise.all([read('a'), read('b')])).toEqual([
      ['a', 'a'],
      ['b', 'b'],
    ])
  })

  test('that other callers join keeps the context of the caller that began it', async () => {
    const cache = open('without L2')
    const read = (name: string) => tenant.run(name, () => cache.getOrSet('k', async () => tenant.getStore()))
    expect(await Promise.all([read('a'), read('b')])).toEqual(['a', 'a'])
  })

  test('runs in the context of its caller where reads claim at once, because most of them miss', async () => {
    const cache = open('with L2')
    for (let i = 0; i < 10; i++) await cache.getOrSet(`missed ${i}`, () => i)
    const read = (name: string) => tenant.run(name, () => cache.getOrSet(name, async () => tenant.getStore()))
    expect(await Promise.all(['a', 'b', 'c', 'd'].map(read))).toEqual(['a', 'b', 'c', 'd'])
  })

  test('that refreshes a stale value in the background has the context of the caller that found it stale, also after a wait', async () => {
    const clock = new FakeClock()
    const cache = createCache({ logger: false, clock, staleWhileRevalidate: '1m', background: { concurrency: 1 } })
    opened.push(cache)
    const read = (name: string) => tenant.run(name, () => cache.getOrSet(name, async () => tenant.getStore()))
    for (const name of ['a', 'b', 'c']) await cache.set(name, 'old', { ttl: '1s', staleWhileRevalidate: '1m' })
    await clock.advance(2_000)
    expect(await Promise.all(['a', 'b', 'c'].map(read))).toEqual(['old', 'old', 'old'])
    await cache.drain()
    expect(['a', 'b', 'c'].map((name) => cache.peek(name))).toEqual(['a', 'b', 'c'])
  })
})

test('queued changes are saved in the context in which their source was created', async () => {
  const clock = new FakeClock()
  const cache = open('without L2', clock)
  const savedFor: unknown[] = []
  const rows = cache.source<string, string>('rows', {
    load: () => 'loaded',
    save: () => void savedFor.push(tenant.getStore()),
    write: 'behind',
    // The second change begins the flush, in the context of its caller.
    behind: { flushSize: 2 },
  })
  await tenant.run('a', () => rows.save('1', 'x'))
  await tenant.run('b', () => rows.save('2', 'x'))
  await clock.advance(2_000)
  expect(savedFor).toEqual([undefined, undefined])
})

describe('reads of one tick, which L2 answers in one reply', () => {
  async function opensOnStored(keys: readonly string[]) {
    const store = memoryTier()
    const writer = createCache({ logger: false, l2: store })
    const reader = createCache({ logger: false, l1: false, l2: store })
    opened.push(writer, reader)
    await Promise.all(keys.map((key) => writer.set(key, key)))
    return reader
  }

  test('run the schema of each in the context of its caller', async () => {
    const reader = await opensOnStored(['a', 'b'])
    const seen = new Map<unknown, string | undefined>()
    const validate = (value: unknown) => {
      seen.set(value, tenant.getStore())
      return { value }
    }
    const schema = { '~standard': { version: 1 as const, vendor: 'test', validate } }
    const read = (key: string) => tenant.run(key, () => reader.getOrSet(key, async () => 'loaded', { schema }))
    expect(await Promise.all([read('a'), read('b')])).toEqual(['a', 'b'])
    expect(Object.fromEntries(seen)).toEqual({ a: 'a', b: 'b' })
  })

  test('call the listeners of each in the context of its caller', async () => {
    const reader = await opensOnStored(['a', 'b'])
    const seen: [string, string, string | undefined][] = []
    reader.on('hit', ({ key }) => void seen.push(['hit', key, tenant.getStore()]))
    reader.on('joined', ({ key }) => void seen.push(['joined', key, tenant.getStore()]))
    const read = (name: string, key: string) => tenant.run(name, () => reader.getOrSet(key, async () => 'loaded'))
    await Promise.all([read('1', 'a'), read('2', 'b'), read('3', 'b')])
    expect(seen).toHaveLength(3)
    expect(seen).toEqual(
      expect.arrayContaining([
        ['hit', 'a', '1'],
        ['hit', 'b', '2'],
        ['joined', 'b', '3'],
      ]),
    )
  })
})
