// What the compiler knows of a cache: values by their loaders, arguments by their options.
import type * as ioredis6 from 'ioredis'
import type * as ioredis5 from 'ioredis5'
import type * as iovalkey from 'iovalkey'
import {
  type Cache,
  CacheError,
  type CacheErrorCode,
  createCache,
  type LoadReason,
  type Lookup,
  type StandardSchema,
  type Tier,
  type WriteResult,
} from 'tiercache'
import { type RedisConnection, type RedisServerOptions, redisTier } from 'tiercache/redis'
import { FakeClock, memoryTier, record } from 'tiercache/testing'
import { expectTypeOf, test } from 'vitest'

type KeysOf<T> = T extends unknown ? keyof T : never

interface User {
  readonly id: number
  readonly org: string
}

declare const cache: Cache
declare const findUser: (id: number, options?: { signal: AbortSignal }) => Promise<User | undefined>

test('a connection takes every option of ioredis 6 and 5, and no other', () => {
  type Known = KeysOf<ioredis6.RedisOptions | ioredis6.ClusterOptions | ioredis5.RedisOptions | ioredis5.ClusterOptions>
  expectTypeOf<Exclude<Known, keyof RedisServerOptions>>().toEqualTypeOf<'redisOptions'>()
  expectTypeOf<Exclude<keyof RedisServerOptions, Known>>().toEqualTypeOf<'url' | 'cluster'>()
  expectTypeOf<ioredis6.RedisOptions>().toExtend<RedisServerOptions>()
  expectTypeOf<ioredis5.RedisOptions>().toExtend<RedisServerOptions>()
  expectTypeOf<Omit<ioredis6.ClusterOptions, 'redisOptions'>>().toExtend<RedisServerOptions>()
  redisTier({ url: 'redis://localhost', tls: {} })
  // @ts-expect-error: no such option
  redisTier({ hots: 'localhost' })
  // @ts-expect-error: no such option
  redisTier('redis://localhost', { timout: '1s' })
})

test('clients of ioredis 6 and 5 and of iovalkey are accepted', () => {
  expectTypeOf<ioredis6.Redis | ioredis6.Cluster>().toExtend<RedisConnection>()
  expectTypeOf<ioredis5.Redis | ioredis5.Cluster>().toExtend<RedisConnection>()
  expectTypeOf<iovalkey.Redis | iovalkey.Cluster>().toExtend<RedisConnection>()
})

test('createCache needs no option and takes a tier, a clock, and durations with units', () => {
  expectTypeOf(createCache()).toEqualTypeOf<Cache>()
  createCache({ name: 'shop', l1: { maxEntries: 10, ttl: '10s' }, l2: memoryTier(), clock: new FakeClock() })
  createCache({ l1: false, l2: redisTier('redis://localhost'), ttl: '5m', staleIfError: Number.POSITIVE_INFINITY })
  // @ts-expect-error a duration is '5m'
  createCache({ ttl: '5 minutes' })
  // @ts-expect-error a duration is '5m'
  createCache({ l1: { maxStaleness: '3 seconds' } })
  // @ts-expect-error the option is called ttl
  createCache({ tll: '5m' })
  // @ts-expect-error true is no set of options
  createCache({ l1: true })
  // @ts-expect-error a client is not yet a tier
  createCache({ l2: 'redis://localhost' })
})

test('a value has the type that its loader returns', () => {
  expectTypeOf(cache.getOrSet('k', () => findUser(1))).resolves.toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.getOrSet('k', () => 1)).resolves.toEqualTypeOf<number>()
  expectTypeOf(cache.getOrSet('k', async () => null)).resolves.toEqualTypeOf<null>()
  expectTypeOf(cache.getOrSet('k', async () => new Map<string, Date>())).resolves.toEqualTypeOf<Map<string, Date>>()
  expectTypeOf(cache.getOrSet<User>('k', () => ({ id: 1, org: 'a' }))).resolves.toEqualTypeOf<User>()
  // @ts-expect-error the loader answers a string
  cache.getOrSet<User>('k', () => 'user')
  // @ts-expect-error a loader is a function
  cache.getOrSet('k', findUser(1))
  // @ts-expect-error a key is a string
  cache.getOrSet(1, () => 1)
})

test('an update has the type of its value, and undefined only if its function may return it', () => {
  expectTypeOf(cache.update('k', (count: number | undefined = 0) => count + 1)).resolves.toEqualTypeOf<number>()
  expectTypeOf(cache.update<User>('k', (user) => user ?? { id: 1, org: 'a' })).resolves.toEqualTypeOf<User>()
  expectTypeOf(cache.update<User>('k', async (user) => user && { ...user, org: 'b' })).resolves.toEqualTypeOf<
    User | undefined
  >()
  cache.update<User>('k', (user, { found }) => (found ? user : undefined), { retries: 3, tags: (user) => [user.org] })
  // @ts-expect-error the function returns a User
  cache.update<User>('k', () => 1)
  expectTypeOf(cache.pull<User>('k')).resolves.toEqualTypeOf<User | undefined>()
  // @ts-expect-error a pull takes from where the value is
  cache.pull('k', { tiers: 'l1' })
})

test('a loader’s context is typed, and notModified() fits a loader of any type', () => {
  const value = cache.getOrSet('k', async (ctx) => {
    expectTypeOf(ctx.key).toEqualTypeOf<string>()
    expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
    expectTypeOf(ctx.reason).toEqualTypeOf<LoadReason>()
    expectTypeOf(ctx.stale?.etag).toEqualTypeOf<string | undefined>()
    if (ctx.stale !== undefined) return ctx.notModified()
    ctx.ttl('5m')
    ctx.tags(['a', 'b'])
    ctx.tags('a')
    // @ts-expect-error several tags are one array
    ctx.tags('a', 'b')
    // @ts-expect-error a duration is '5m'
    ctx.ttl('5 minutes')
    return { id: 1, org: 'a' }
  })
  expectTypeOf(value).resolves.toEqualTypeOf<{ id: number; org: string }>()
})

test('tags are a list, or a function of the value that the loader returns', () => {
  cache.getOrSet('k', async (): Promise<User> => ({ id: 1, org: 'a' }), {
    tags: (user, key) => {
      expectTypeOf(user).toEqualTypeOf<User>()
      expectTypeOf(key).toEqualTypeOf<string>()
      return [`org:${user.org}`]
    },
  })
  cache.getOrSet('k', () => 1, { tags: ['a'] as const })
  cache.set('k', { org: 'a' }, { tags: (value) => [value.org] })
  // @ts-expect-error there is no such field
  cache.getOrSet('k', async () => ({ id: 1 }), { tags: (value) => [value.org] })
  // @ts-expect-error one tag is a list of one
  cache.getOrSet('k', () => 1, { tags: 'a' })
})

test('a call takes the options of calls, and no others', () => {
  cache.getOrSet('k', () => 1, { ttl: '5m', jitter: 0.1, earlyRefresh: false, tiers: 'l1', singleFlight: 'process' })
  cache.getOrSet('k', () => 1, { version: 3, signal: AbortSignal.timeout(100), ttl: undefined })
  // @ts-expect-error there are two tiers and all
  cache.getOrSet('k', () => 1, { tiers: 'l3' })
  // @ts-expect-error a name belongs to the cache
  cache.getOrSet('k', () => 1, { name: 'k' })
  // @ts-expect-error a read has no ttl
  cache.get('k', { ttl: '5m' })
  // @ts-expect-error a namespace has no tags
  cache.namespace('n', { tags: ['a'] })
  // @ts-expect-error a set loads nothing
  cache.set('k', 1, { hardTimeout: '1s' })
})

test('with a schema of another type than the loader’s, callers get the type of the schema, or an absent value', () => {
  const schema = {} as StandardSchema<number>
  expectTypeOf(cache.getOrSet('k', () => 'text', { schema })).resolves.toEqualTypeOf<number>()
  expectTypeOf(cache.getOrSet('k', async () => 'text' as string | null, { schema })).resolves.toEqualTypeOf<
    number | null
  >()
  cache.getOrSet('k', () => 'text', { schema, tags: (value) => [value.toFixed()] })
  expectTypeOf(cache.getOrSetMany(['k'], () => ['text'], { schema })).resolves.toEqualTypeOf<number[]>()
})

test('a schema fits the loader', () => {
  const schema = {} as StandardSchema<User>
  expectTypeOf(cache.getOrSet('k', (): User => ({ id: 1, org: 'a' }), { schema })).resolves.toEqualTypeOf<User>()
  // @ts-expect-error the loader answers a string
  cache.getOrSet<User>('k', async () => 'one', { schema })
})

test('reads that do not load take the type of the value as an argument', () => {
  expectTypeOf(cache.get('k')).resolves.toEqualTypeOf<unknown>()
  expectTypeOf(cache.get<User>('k')).resolves.toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.peek<User>('k')).toEqualTypeOf<User | undefined>()
  expectTypeOf(cache.getMany<User>(['a'] as const)).resolves.toEqualTypeOf<(User | undefined)[]>()
  expectTypeOf(cache.has('k')).resolves.toEqualTypeOf<boolean>()
  expectTypeOf(cache.lookup<User>('k')).resolves.toEqualTypeOf<Lookup<User>>()
})

test('a lookup has a value only if it was found', async () => {
  const found = await cache.lookup<User>('k')
  // @ts-expect-error it may be a miss
  found.value
  if (!found.found) return
  expectTypeOf(found.value).toEqualTypeOf<User>()
  expectTypeOf(found.tier).toEqualTypeOf<Tier>()
  expectTypeOf(found.state).toEqualTypeOf<'fresh' | 'stale' | 'staleIfError'>()
})

test('a batch loader returns values or errors in the order of its keys', () => {
  const many = cache.getOrSetMany(['a', 'b'] as const, async (keys) => {
    expectTypeOf(keys).toEqualTypeOf<readonly string[]>()
    return keys.map((key): User | Error => (key === 'a' ? new Error('no') : { id: 1, org: 'a' }))
  })
  expectTypeOf(many).resolves.toEqualTypeOf<User[]>()
  // @ts-expect-error a batch loader answers a list
  cache.getOrSetMany(['a'], async () => 1)
})

test('writes return their result', () => {
  expectTypeOf(cache.set('k', 1)).resolves.toEqualTypeOf<WriteResult>()
  expectTypeOf<WriteResult>().toEqualTypeOf<'applied' | 'queued'>()
  expectTypeOf(cache.setMany([['a', 1]] as const)).resolves.toEqualTypeOf<WriteResult>()
  expectTypeOf(cache.setMany(new Map([['a', 1]]))).resolves.toEqualTypeOf<WriteResult>()
  expectTypeOf(cache.delete('a')).resolves.toEqualTypeOf<WriteResult>()
  expectTypeOf(cache.invalidateTags(['a'] as const)).resolves.toEqualTypeOf<WriteResult>()
  // @ts-expect-error tags are strings
  cache.invalidateTags([7])
})

test('listeners receive the payload of their event', () => {
  const end = cache.on('hit', ({ tier, key, scope }) => {
    expectTypeOf(tier).toEqualTypeOf<Tier>()
    expectTypeOf([key, scope]).toEqualTypeOf<string[]>()
  })
  expectTypeOf(end).toEqualTypeOf<() => void>()
  cache.on('degraded', ({ error }) => expectTypeOf(error).toEqualTypeOf<CacheError>())
  // @ts-expect-error there is no such event
  cache.on('hits', () => undefined)
  expectTypeOf(record(cache, ['hit']).take()).toBeArray()
})

test('errors have one of a closed list of codes', () => {
  const explain = (code: CacheErrorCode): string => {
    if (code === 'LOAD_TIMEOUT') return 'slow'
    // @ts-expect-error there is no such code
    if (code === 'TIMEOUT') return 'never'
    return 'other'
  }
  expectTypeOf(explain).returns.toEqualTypeOf<string>()
  expectTypeOf(new CacheError('CLOSED', 'x').code).toEqualTypeOf<CacheErrorCode>()
})

test('a cache can be used with await using', async () => {
  await using made = createCache()
  expectTypeOf(made).toExtend<AsyncDisposable>()
})
