// Streams shared over a fleet on real Redis: one source, parts as they come, and nothing kept that is not whole.
import { type Cache, CacheError, type PartSource, type StreamRead } from 'tiercache'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sleep, waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

/** A source that a test drives. */
class Source {
  starts = 0
  aborts = 0
  #parts: unknown[] = []
  #end: { error?: unknown } | undefined
  #wake: (() => void) | undefined

  readonly load = async function* (this: Source, { signal }: { signal: AbortSignal }): AsyncGenerator<unknown> {
    this.starts++
    signal.addEventListener('abort', () => {
      this.aborts++
      this.#wake?.()
    })
    for (let i = 0; !signal.aborted; i++) {
      while (i >= this.#parts.length && this.#end === undefined && !signal.aborted)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      if (i < this.#parts.length) yield this.#parts[i]
      else if (this.#end !== undefined && 'error' in this.#end) throw this.#end.error
      else return
    }
  }.bind(this)

  send(...parts: unknown[]): this {
    this.#parts.push(...parts)
    this.#wake?.()
    return this
  }

  end(): this {
    this.#end = {}
    this.#wake?.()
    return this
  }

  fail(error: unknown): this {
    this.#end = { error }
    this.#wake?.()
    return this
  }
}

function never(): PartSource<unknown> {
  throw new Error('a second source was asked')
}

async function all(read: StreamRead<unknown> | Promise<StreamRead<unknown>>): Promise<unknown[]> {
  const parts: unknown[] = []
  for await (const part of await read) parts.push(part)
  return parts
}

async function some(read: StreamRead<unknown>, count: number): Promise<unknown[]> {
  const parts: unknown[] = []
  while (parts.length < count) parts.push((await read.next()).value)
  return parts
}

function codeOf(error: unknown): string {
  return error instanceof CacheError ? error.code : String(error)
}

const RICH = [{ type: 'text', delta: 'a' }, new Uint8Array([1, 2, 255]), { at: new Date(5), none: undefined }, 'é\n']

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await Fleet.start(form)
  })
  afterEach(() => fleet.closeAll())
  afterAll(() => fleet.stop())

  async function storedIn(cache: Cache, key: string): Promise<boolean> {
    await cache.drain()
    return (await cache.lookup(key, { tiers: 'l2' })).found
  }

  test('processes share one source, each part arrives before the end, and whoever comes late gets the past first', async () => {
    const [a, b] = await fleet.openTwo()
    const key = `shared ${form}`
    const source = new Source().send(RICH[0])
    const first = await a.streams.open(key, source.load)
    const second = await b.streams.open(key, never)
    expect([first.origin, second.origin]).toEqual(['loader', 'shared'])
    expect(await some(second, 1)).toEqual([RICH[0]])
    source.send(RICH[1])
    expect(await some(second, 1)).toEqual([RICH[1]])
    const late = await b.streams.open(key, never)
    expect(await some(late, 2)).toEqual(RICH.slice(0, 2))
    source.send(RICH[2], RICH[3]).end()
    expect(await all(first)).toEqual(RICH)
    expect(await all(second)).toEqual(RICH.slice(2))
    expect(await all(late)).toEqual(RICH.slice(2))
    await a.drain()
    const replay = await b.streams.open(key, never)
    expect(replay.origin).toBe('l2')
    expect(await all(replay)).toEqual(RICH)
    expect(await all(a.streams.open(key, never))).toEqual(RICH)
    expect(source.starts).toBe(1)
  })

  test.each(['delete', 'invalidateTags', 'clear'] as const)(
    '%s in the middle lets the readers finish, keeps nothing, and the next caller asks anew',
    async (verb) => {
      const [a, b] = await fleet.openTwo()
      const key = `overtaken by ${verb} ${form}`
      const old = new Source().send('old')
      const mine = await a.streams.open(key, old.load, { tags: ['t'] })
      const theirs = await b.streams.open(key, never, { tags: ['t'] })
      if (verb === 'delete') await b.delete(key)
      else if (verb === 'clear') await b.clear()
      else await b.invalidateTags('t')
      const anew = new Source().send('new').end()
      expect(await all(b.streams.open(key, anew.load, { tags: ['t'] }))).toEqual(['new'])
      old.send('end').end()
      expect(await all(mine)).toEqual(['old', 'end'])
      expect(await all(theirs)).toEqual(['old', 'end'])
      await a.drain()
      expect(await all(a.streams.open(key, new Source().send('new').end().load, { tags: ['t'] }))).toEqual(['new'])
    },
  )

  test('a source that fails in the middle fails all its readers and is not stored', async () => {
    const [a, b] = await fleet.openTwo()
    const key = `failed ${form}`
    const source = new Source().send(1)
    const mine = await a.streams.open(key, source.load)
    const theirs = await b.streams.open(key, never)
    await some(theirs, 1)
    const failure = new Error('upstream')
    source.fail(failure)
    await expect(all(mine)).rejects.toBe(failure)
    expect(await all(theirs).catch(codeOf)).toBe('STREAM_BROKEN')
    expect(await storedIn(a, key)).toBe(false)
    expect(await all(b.streams.open(key, new Source().send(2).end().load))).toEqual([2])
  })

  test('a source that fails before its first part rejects the call, and other processes ask it themselves', async () => {
    const [a, b] = await fleet.openTwo()
    const key = `failed at once ${form}`
    const source = new Source()
    const mine = a.streams.open(key, source.load)
    await waitFor('the source to be asked', () => source.starts === 1)
    const theirs = b.streams.open(key, new Source().send('other').end().load)
    await sleep(50)
    const failure = new Error('429')
    source.fail(failure)
    await expect(mine).rejects.toBe(failure)
    expect(await all(theirs)).toEqual(['other'])
  })

  test('the source goes on while another process reads it, and is aborted when the last reader leaves', async () => {
    const [a, b] = await fleet.openTwo()
    const key = `left ${form}`
    const source = new Source().send(1)
    const mine = await a.streams.open(key, source.load)
    const theirs = await b.streams.open(key, never)
    await some(theirs, 1)
    await mine.return()
    source.send(2)
    expect(await some(theirs, 1)).toEqual([2])
    await sleep(100)
    expect(source.aborts).toBe(0)
    await theirs.return()
    await waitFor('the source to be aborted', () => source.aborts === 1)
    expect(await storedIn(a, key)).toBe(false)
  })

  test('no key of a recording is without an expiry, and none stays', async () => {
    const [a, b] = await fleet.openTwo()
    const key = `expiry ${form}`
    const source = new Source().send(1)
    const mine = await a.streams.open(key, source.load)
    await some(await b.streams.open(key, never), 1)
    const lives = await livesOfRecordings()
    expect(lives.length).toBe(2)
    for (const ms of lives) expect(ms).toBeGreaterThan(0)
    for (const ms of lives) expect(ms).toBeLessThanOrEqual(5_000)
    source.end()
    await all(mine)
  })

  async function livesOfRecordings(): Promise<number[]> {
    const lives: number[] = []
    for (const node of fleet.nodes) {
      for (const key of (await node.command('KEYS', 'shop#s*expiry*')) as unknown[])
        lives.push(Number(await node.command('PTTL', String(key))))
    }
    return lives
  }
})
