// One key, one type: callers get what the schema returns, whether the value was loaded, set or read from L2.
import type { CacheEvents, StandardSchema } from 'tiercache'
import { record } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet, l1Only } = leavesNothing()

const schemaOf = <T>(
  validate: StandardSchema<T>['~standard']['validate'],
): StandardSchema<T> & { '~standard': { validate: ReturnType<typeof vi.fn> } } => ({
  '~standard': { version: 1, vendor: 'test', validate: vi.fn(validate) },
})

/** Takes a string and returns a number, which it would not take. */
const lengths = () =>
  schemaOf<number>((value) =>
    typeof value === 'string'
      ? { value: value.length }
      : { issues: [{ message: 'no string', path: ['a', { key: 0 }] }] },
  )
/** Takes what it returns. */
const integers = () =>
  schemaOf<number>((value) =>
    Number.isInteger(Number(value)) ? { value: Number(value) } : { issues: [{ message: 'no integer' }] },
  )

describe('a schema that changes what it accepts', () => {
  test('gives callers of the loader, readers of memory and readers of L2 the same type', async () => {
    const { a, b, clock } = await fleet()
    const schema = lengths()
    const load = vi.fn(() => 'four')
    expect(await a.cache.getOrSet('k', load, { schema })).toBe(4)
    expect(await a.cache.getOrSet('k', load, { schema })).toBe(4)
    await clock.advance(1)
    expect(await b.cache.getOrSet('k', load, { schema })).toBe(4)
    expect(load).toHaveBeenCalledTimes(1)
    expect(schema['~standard'].validate).toHaveBeenCalledTimes(2)
  })

  test('gives the results of a batch the same type', async () => {
    const { a, b, clock } = await fleet()
    const schema = lengths()
    const load = vi.fn((keys: readonly string[]) => keys.map((key) => (key === 'none' ? null : key)))
    expect(await a.cache.getOrSetMany(['four', 'none'], load, { schema })).toEqual([4, null])
    await clock.advance(1)
    expect(await b.cache.getOrSetMany(['four', 'none', 'x'], load, { schema })).toEqual([4, null, 1])
    expect(load.mock.calls.map(([keys]) => keys)).toEqual([['four', 'none'], ['x']])
  })

  test('may be asynchronous', async () => {
    const { a, b, clock } = await fleet()
    const schema = schemaOf(async (value) => ({ value: new Date(String(value)) }))
    expect(await a.cache.getOrSet('k', () => '2024-01-01', { schema })).toEqual(new Date('2024-01-01'))
    await clock.advance(1)
    expect(await b.cache.getOrSet('k', () => 'never', { schema })).toEqual(new Date('2024-01-01'))
  })

  test('of a namespace applies to set too, which takes what a loader returns', async () => {
    const { a, b, clock } = await fleet({ schema: lengths() })
    await a.cache.set('k', 'four')
    expect(await a.cache.get('k')).toBe(4)
    await clock.advance(1)
    expect(await b.cache.get('k')).toBe(4)
    await expect(a.cache.set('k', 5)).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      message: expect.stringContaining('a.0: no string'),
    })
    expect(await a.cache.get('k')).toBe(4)
  })

  test('is applied to a queued value that this process reads', async () => {
    const { a, clock } = await fleet({ schema: lengths(), l1: false })
    a.tier.link.cut()
    expect(await a.cache.set('k', 'four')).toBe('queued')
    expect(await a.cache.get('k')).toBe(4)
    a.tier.link.restore()
    await clock.advance(20_000)
  })

  test('may make a class instance from data that L2 keeps', async () => {
    class Name {
      constructor(readonly text: string) {}
    }
    const schema = schemaOf((value) => ({ value: new Name(String(value)) }))
    const { a, b, clock } = await fleet()
    const load = vi.fn(() => 'Ada')
    expect(await a.cache.getOrSet('k', load, { schema })).toEqual(new Name('Ada'))
    expect(await a.cache.getOrSet('k', load, { schema })).toBeInstanceOf(Name)
    await clock.advance(1)
    expect(await b.cache.getOrSet('k', load, { schema })).toBeInstanceOf(Name)
    expect(load).toHaveBeenCalledTimes(1)
  })
})

test('a result of a schema that can be read only once is not stored', async () => {
  const { a } = await fleet()
  const schema = schemaOf((value) => ({ value: { parts: [value].values() } }))
  const load = vi.fn(() => 'x')
  await a.cache.getOrSet('k', load, { schema })
  const { parts } = await a.cache.getOrSet('k', load, { schema })
  expect([...parts]).toEqual(['x'])
  expect(load).toHaveBeenCalledTimes(2)
})

describe('a loaded value that the schema refuses', () => {
  test('rejects its callers with the path of the mistake and is not stored', async () => {
    const { cache } = l1Only()
    const events = record<CacheEvents>(cache, ['loadFailed'])
    const error = await cache.getOrSet('k', () => 'text' as never, { schema: integers() }).catch((reason) => reason)
    expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH', message: expect.stringContaining('no integer') })
    expect(error.cause).toEqual({ issues: [{ message: 'no integer' }] })
    expect(events.of('loadFailed')).toMatchObject([{ key: 'k', error: { code: 'SCHEMA_MISMATCH' } }])
    expect(await cache.has('k')).toBe(false)
  })

  test('is a failed load, so that a stale value may be served', async () => {
    const { cache, clock } = l1Only({ ttl: 1000, staleIfError: '1h' })
    const schema = integers()
    await cache.getOrSet('k', () => 1, { schema })
    await clock.advance(1000)
    expect(await cache.getOrSet('k', () => 'text' as never, { schema })).toBe(1)
  })

  test('rejects with what the schema threw as the cause', async () => {
    const bug = new Error('a bug in the schema')
    const schema = schemaOf<number>(() => {
      throw bug
    })
    await expect(l1Only().cache.getOrSet('k', () => 1, { schema })).rejects.toMatchObject({
      code: 'SCHEMA_MISMATCH',
      cause: bug,
    })
  })
})

test('a value of L2 at which the schema throws is a miss and no error for the caller', async () => {
  const { a, b, clock } = await fleet()
  await a.cache.set('k', 1)
  const schema = schemaOf((value) => {
    if (value === 1) throw new Error('a bug in the schema')
    return { value }
  })
  const caller = b.cache.getOrSet('k', () => 2, { schema })
  await clock.advance(1)
  expect(await caller).toBe(2)
  expect(b.cache.stats().corrupt).toBe(1)
})

test.each([undefined, null])('%s is not passed to a schema, loaded or from L2', async (absent) => {
  const { a, b, clock } = await fleet()
  const schema = lengths()
  const load = vi.fn((): string | null | undefined => absent)
  expect(await a.cache.getOrSet('k', load, { schema })).toBe(absent)
  await clock.advance(1)
  expect(await b.cache.getOrSet('k', load, { schema })).toBe(absent)
  expect(load).toHaveBeenCalledTimes(1)
})

describe('a value that a load renews with notModified', () => {
  const renewing = async (schema: StandardSchema<number>) => {
    const { a, b, clock } = await fleet({ ttl: 1000, staleIfError: '1h' })
    await a.cache.getOrSet('k', () => 'four' as never, { schema }).catch(() => undefined)
    await a.cache.getOrSet('n', () => '4' as never, { schema }).catch(() => undefined)
    await clock.advance(1000)
    return { a, b, clock }
  }

  test('is stored in every tier if the schema accepts its own result', async () => {
    const schema = integers()
    const { a, b, clock } = await renewing(schema)
    expect(await a.cache.getOrSet('n', (ctx) => ctx.notModified(), { schema })).toBe(4)
    await clock.advance(1)
    expect(await b.cache.lookup('n')).toMatchObject({ value: 4, state: 'fresh' })
  })

  test('is stored in memory alone if the schema does not accept its own result', async () => {
    const schema = lengths()
    const { a, clock } = await renewing(schema)
    expect(await a.cache.getOrSet('k', (ctx) => ctx.notModified(), { schema })).toBe(4)
    await clock.advance(1)
    expect(await a.cache.getOrSet('k', () => 'never', { schema })).toBe(4)
    expect(await a.cache.get('k', { tiers: 'l2' })).toBeUndefined()
  })
})

describe('a source with a schema', () => {
  test('saves a value that the schema refuses, and then caches nothing of it', async () => {
    const { cache } = l1Only()
    const events = record<CacheEvents>(cache, ['notice'])
    const rows = new Map<number, unknown>([[1, '1']])
    const save = vi.fn((id: number, value: unknown) => rows.set(id, value))
    const source = cache.source('rows', { load: (id: number) => rows.get(id) as number, save, schema: integers() })
    expect(await source.get(1)).toBe(1)
    expect(await source.save(1, '2' as never)).toBe('applied')
    expect(await source.get(1)).toBe(2)
    await source.save(1, 'text' as never)
    expect(save).toHaveBeenCalledTimes(2)
    await expect(source.get(1)).rejects.toMatchObject({ code: 'SCHEMA_MISMATCH' })
    expect(events.of('notice')).toMatchObject([{ code: 'VALUE_NOT_KEPT', error: { code: 'SCHEMA_MISMATCH' } }])
  })
})
