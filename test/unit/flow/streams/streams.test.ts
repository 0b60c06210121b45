// Streams in one process, without L2: what consumers share, and what is kept of it.
import { AsyncLocalStorage } from 'node:async_hooks'
import { Readable } from 'node:stream'
import type { Cache, StreamOptions, StreamRead } from 'tiercache'
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

async function all(read: StreamRead<unknown> | Promise<StreamRead<unknown>>): Promise<unknown[]> {
  const parts: unknown[] = []
  for await (const part of await read) parts.push(part)
  return parts
}

/** A source that counts how far it was read. */
function counting(parts: readonly unknown[]) {
  const source = { starts: 0, sent: 0, load: undefined as never as () => AsyncGenerator<unknown> }
  source.load = async function* () {
    source.starts++
    for (const part of parts) {
      source.sent++
      yield part
    }
  }
  return source
}

const open = (cache: Cache, source: { load: () => AsyncGenerator<unknown> }, options?: StreamOptions<unknown>) =>
  cache.streams.open('k', source.load, options)

describe('what is stored', () => {
  test('a stream that ended is replayed, with parts that are equal and nobody shares', async () => {
    const { cache } = l1Only()
    const part = { deep: [1, { at: new Date(3), bytes: new Uint8Array([7]) }], none: undefined }
    const source = counting([part, part])
    const first = (await all(open(cache, source))) as (typeof part)[]
    expect(first).toEqual([part, part])
    first[0]?.deep.push(2)
    expect(await all(open(cache, source))).toEqual([part, part])
    expect(source.starts).toBe(1)
  })

  test('an empty stream is a value like others', async () => {
    const { cache } = l1Only()
    const source = counting([])
    expect(await all(open(cache, source))).toEqual([])
    expect(await all(open(cache, source))).toEqual([])
    expect(source.starts).toBe(1)
  })

  test('the ttl ends a recording', async () => {
    const { cache, clock } = l1Only()
    const source = counting([1])
    await all(open(cache, source, { ttl: '1m' }))
    await settle()
    await clock.advance(60_000)
    await all(open(cache, source, { ttl: '1m' }))
    expect(source.starts).toBe(2)
  })

  test('a judge sees each part of the source and decides', async () => {
    const { cache } = l1Only()
    const source = counting(['a', 'b'])
    const seen: unknown[] = []
    const judge = () => ({ part: (part: unknown) => void seen.push(part), mayStore: () => false })
    for (let i = 0; i < 2; i++) expect(await all(open(cache, source, { judge }))).toEqual(['a', 'b'])
    expect(seen).toEqual(['a', 'b', 'a', 'b'])
    expect(source.starts).toBe(2)
  })

  test('a part that no tier keeps reaches the consumers, and its stream is not stored', async () => {
    const { cache } = l1Only()
    const part = { run: () => 1 }
    const source = counting([1, part, 2])
    expect(await all(open(cache, source))).toEqual([1, part, 2])
    await all(open(cache, source))
    expect(source.starts).toBe(2)
  })

  test('an invalidation in the middle keeps nothing', async () => {
    const { cache } = l1Only()
    const source = counting([1, 2])
    const read = await open(cache, source)
    await cache.delete('k')
    expect(await all(read)).toEqual([1, 2])
    await all(open(cache, source))
    expect(source.starts).toBe(2)
  })
})

describe('consumers', () => {
  test('a consumer that does not read holds up nobody', async () => {
    const { cache } = l1Only()
    const source = counting([1, 2, 3])
    const slow = await open(cache, source)
    expect(await all(open(cache, source))).toEqual([1, 2, 3])
    expect(await all(slow)).toEqual([1, 2, 3])
    expect(source.starts).toBe(1)
  })

  test('a stream above maxBytes is passed on whole and not stored, and its source is read no faster than it is consumed', async () => {
    const { cache } = l1Only()
    const parts = Array.from({ length: 100 }, (_, i) => `${i}`.padStart(100, ' '))
    const source = counting(parts)
    const read = await open(cache, source, { maxBytes: 1_000 })
    await settle()
    expect(source.sent).toBeLessThan(20)
    expect(await all(read)).toEqual(parts)
    await settle()
    await all(open(cache, source, { maxBytes: 1_000 }))
    expect(source.starts).toBe(2)
  })

  test('only the last one that leaves ends the source', async () => {
    const { cache } = l1Only()
    let reason: unknown
    async function* endless({ signal }: { signal: AbortSignal }): AsyncGenerator<number> {
      signal.addEventListener('abort', () => {
        reason = signal.reason
      })
      yield 1
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    }
    const leaving = new AbortController()
    const first = await cache.streams.open('k', endless, { signal: leaving.signal })
    const second = await cache.streams.open('k', endless)
    leaving.abort(new Error('mine'))
    await expect(all(first)).rejects.toThrow('mine')
    await settle()
    expect(reason).toBeUndefined()
    await second.return()
    await settle()
    expect(reason).toMatchObject({ name: 'AbortError' })
  })

  test('a source that stalls fails its consumers after partTimeout, however long the whole takes', async () => {
    const { cache, clock } = l1Only()
    let send: (part: number) => void = () => undefined
    async function* slow(): AsyncGenerator<number> {
      for (;;) yield await new Promise<number>((resolve) => (send = resolve))
    }
    const opening = cache.streams.open('k', slow, { partTimeout: '10s' })
    await settle()
    for (let i = 0; i < 5; i++) {
      await clock.advance(9_000)
      send(i)
      await settle()
    }
    const read = await opening
    const parts = all(read)
    parts.catch(() => undefined)
    await clock.advance(10_000)
    await expect(parts).rejects.toMatchObject({ code: 'LOAD_TIMEOUT' })
  })

  test('the source runs in the async context of the caller that starts it', async () => {
    const { cache } = l1Only()
    const context = new AsyncLocalStorage<string>()
    const seen: unknown[] = []
    async function* load(): AsyncGenerator<number> {
      seen.push(context.getStore())
      yield 1
      seen.push(context.getStore())
    }
    await context.run('first', () => all(cache.streams.open('k', load)))
    expect(seen).toEqual(['first', 'first'])
  })

  test('web streams and Node streams are sources; anything else is refused by name', async () => {
    const { cache } = l1Only()
    expect(await all(cache.streams.open('node', () => Readable.from(['a', 'b'])))).toEqual(['a', 'b'])
    expect(await all(cache.streams.open('web', () => new Blob(['ab']).stream()))).toEqual([new Uint8Array([97, 98])])
    await expect(cache.streams.open('no', () => 'text' as never)).rejects.toThrow(/async iterable or a ReadableStream/)
    await expect(cache.streams.open('no', undefined as never)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(cache.streams.open('no', () => [] as never, { maxByte: 1 } as never)).rejects.toThrow(/Did you mean/)
  })

  test('a value that is no recording is left alone, and its stream passed on', async () => {
    const { cache } = l1Only()
    await cache.set('k', 'a value')
    expect(await all(open(cache, counting([1])))).toEqual([1])
    expect(await cache.get('k')).toBe('a value')
  })
})
