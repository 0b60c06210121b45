import { expectTypeOf, test } from 'vitest'
import type { Duration } from '../../src/model/options/duration.js'
import type { CacheOptions, CallOptions, Loader } from '../../src/model/options/options.js'
import type { StandardSchema } from '../../src/model/values/schema.js'

declare function load<V>(loader: Loader<V>, options?: CallOptions<V>): Promise<V>

test('a duration is a number, or a number with a unit', () => {
  expectTypeOf<300>().toExtend<Duration>()
  expectTypeOf<'250ms'>().toExtend<Duration>()
  expectTypeOf<'1.5s'>().toExtend<Duration>()
  expectTypeOf<'5m'>().toExtend<Duration>()
  expectTypeOf<'2h'>().toExtend<Duration>()
  expectTypeOf<'7d'>().toExtend<Duration>()
})

test('a computed number can have a unit', () => {
  const seconds = Number('3')
  const computed: Duration = `${seconds * 2}s`
  expectTypeOf(computed).toExtend<Duration>()
})

test('words, spaces and bare strings do not compile as durations', () => {
  expectTypeOf<'5 minutes'>().not.toExtend<Duration>()
  expectTypeOf<'5minutes'>().not.toExtend<Duration>()
  expectTypeOf<'5'>().not.toExtend<Duration>()
  expectTypeOf<'m'>().not.toExtend<Duration>()
  expectTypeOf<''>().not.toExtend<Duration>()
  expectTypeOf<string>().not.toExtend<Duration>()
  expectTypeOf<bigint>().not.toExtend<Duration>()
})

test('options refuse a wrong duration and an unknown name where they are written', () => {
  // @ts-expect-error a duration is '5m'
  const wrongDuration: CallOptions = { ttl: '5 minutes' }
  // @ts-expect-error the option is called ttl
  const wrongName: CacheOptions = { tll: '5m' }
  const mayBeMissing: CallOptions = { ttl: undefined, signal: undefined }
  expectTypeOf([wrongDuration, wrongName, mayBeMissing]).toBeArray()
})

test('the type of a value comes from what its loader returns, also when the loader uses its context', () => {
  expectTypeOf(load(() => 1)).resolves.toEqualTypeOf<number>()
  expectTypeOf(load(async () => ({ id: 1 }))).resolves.toEqualTypeOf<{ id: number }>()
  const revalidated = load(async (ctx) => {
    if (ctx.stale?.etag === 'same') return ctx.notModified()
    ctx.ttl('5m')
    return { id: 1, aborted: ctx.signal.aborted }
  })
  expectTypeOf(revalidated).resolves.toEqualTypeOf<{ id: number; aborted: boolean }>()
})

test('tags are derived from the value with its type', () => {
  const user = load(async () => ({ id: 1, org: 'a' }), { tags: (value) => [value.org] })
  expectTypeOf(user).resolves.toEqualTypeOf<{ id: number; org: string }>()
  // @ts-expect-error there is no such property
  load(async () => ({ id: 1 }), { tags: (value) => [value.org] })
})

test('a schema of another type than the loader returns does not compile', () => {
  const schema = {} as StandardSchema<{ id: number }>
  expectTypeOf(load(async () => ({ id: 1 }), { schema })).resolves.toEqualTypeOf<{ id: number }>()
  // @ts-expect-error the loader returns a string
  load<{ id: number }>(async () => 'one', { schema })
})
