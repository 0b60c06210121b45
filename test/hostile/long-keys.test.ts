// Someone who chooses keys, such as parts of a URL, chooses long ones, many of the same length.
import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { afterEach, describe, expect, test } from 'vitest'

const KIB = 1024
const opened: { close(): Promise<void> }[] = []

afterEach(async () => {
  await Promise.all(opened.splice(0).map((cache) => cache.close()))
})

function open(options: Parameters<typeof createCache>[0] = {}) {
  const cache = createCache({ logger: false, ...options })
  opened.push(cache)
  return cache
}

/** Keys of one length with the same beginning. V8 hashes strings of more than 16,383 characters by their length alone. */
const keysOf = (length: number, count: number) => {
  const beginning = 'k'.repeat(length - 8)
  return Array.from({ length: count }, (_, i) => Buffer.from(beginning + String(i).padStart(8, '0')).toString('latin1'))
}

describe('thousands of long keys of one length', () => {
  // With a plain Map this took minutes. A test that exceeds its limit has hung.
  test('are read, loaded, written and deleted without a hang', async () => {
    const cache = open()
    const keys = keysOf(20 * KIB, 3_000)
    await Promise.all(keys.map((key, i) => cache.getOrSet(key, async () => i)))
    expect(await cache.getMany(keys)).toEqual(keys.map((_, i) => i))
    await Promise.all(keys.map((key) => cache.set(key, 'set')))
    await cache.delete(keys)
    expect(cache.stats().l1.entries).toBe(0)
  })

  test('that are queued by write-behind are found without a hang', async () => {
    const saved: unknown[] = []
    const source = open().source<string, number>('s', {
      load: () => 1,
      save: (_, value) => void saved.push(value),
      write: 'behind',
      behind: { flushInterval: '1h', flushSize: 10_000 },
    })
    const ids = keysOf(20 * KIB, 3_000)
    await Promise.all(ids.map((id, i) => source.save(id, i)))
    expect(await Promise.all(ids.map((id) => source.get(id)))).toEqual(ids.map((_, i) => i))
  })
})

describe('long keys', () => {
  test('take no more memory than L1 counts for their entries', async () => {
    const cache = open()
    for (const key of keysOf(100 * KIB, 2_000)) await cache.getOrSet(key, () => 1)
    globalThis.gc?.()
    expect(cache.stats().l1.entries).toBe(2_000)
    // The keys alone have 200 MB.
    expect(cache.stats().l1.bytes).toBeLessThan(4_000 * KIB)
    globalThis.gc?.()
    expect(process.memoryUsage().heapUsed).toBeLessThan(150 * KIB * KIB)
  })

  test('reach L2 and the other processes like any key', async () => {
    const server = new MemoryServer()
    const clock = new FakeClock()
    const [a, b] = [open({ l2: memoryTier(server), clock }), open({ l2: memoryTier(server), clock })]
    const [one, other] = keysOf(100 * KIB, 2) as [string, string]
    const seen: string[] = []
    await a.getOrSet(one, (ctx) => seen.push(ctx.key))
    expect(seen).toEqual([one])
    await a.drain()
    expect(await b.get(one)).toBe(1)
    expect(await b.get(other)).toBeUndefined()
    await a.delete(one)
    await clock.advance(10)
    expect(await b.get(one)).toBeUndefined()
  })

  test('above the limit are refused by every verb before it does anything', async () => {
    const cache = open()
    const key = 'k'.repeat(KIB * KIB + 1)
    const refusal = { code: 'INVALID_KEY', message: expect.stringMatching(/at most 1048576 characters/) }
    await expect(cache.get(key)).rejects.toMatchObject(refusal)
    await expect(cache.getOrSet(key, () => 1)).rejects.toMatchObject(refusal)
    await expect(cache.getMany(['a', key])).rejects.toMatchObject(refusal)
    await expect(cache.set(key, 1)).rejects.toMatchObject(refusal)
    await expect(cache.delete(['a', key])).rejects.toMatchObject(refusal)
    await expect(cache.expire(key)).rejects.toMatchObject(refusal)
    await expect(cache.explain(key)).rejects.toMatchObject(refusal)
    expect(() => cache.peek(key)).toThrow(expect.objectContaining(refusal))
    const source = cache.source<string, number>('s', { load: () => 1, loadMany: (ids) => ids.map(() => 1) })
    await expect(source.get(key)).rejects.toMatchObject(refusal)
    await expect(source.getMany([key])).rejects.toMatchObject(refusal)
    await expect(cache.wrap(async (text: string) => text, { name: 'f' })(key)).rejects.toMatchObject(refusal)
  })
})

describe('long names', () => {
  test.each([
    ['of a cache', () => open({ name: 'n'.repeat(129) })],
    ['of a namespace', () => open().namespace('n'.repeat(129))],
    ['of a source', () => open().source('n'.repeat(129), { load: () => 1 })],
    ['of a wrapped function', () => open().wrap(async () => 1, { name: 'n'.repeat(129) })],
    ['of a version', () => open({ version: 'n'.repeat(129) })],
  ])('%s are refused', (_, make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'INVALID_KEY', message: expect.stringMatching(/1 to 128/) }))
  })

  test('that add up over many levels of namespaces are refused', () => {
    let cache = open()
    expect(() => {
      for (let i = 0; i < 1_000; i++) cache = cache.namespace('level')
    }).toThrow(
      expect.objectContaining({ code: 'INVALID_KEY', message: expect.stringMatching(/at most 512 characters/) }),
    )
  })
})
