import type { AfterCommit, Cache, Source, SourceResult, StandardSchema, WriteResult } from 'tiercache'
import { expectTypeOf, test } from 'vitest'

declare const cache: Cache

interface User {
  readonly id: number
  readonly name: string
  readonly orgId: string
}

declare const db: {
  find(id: number): Promise<User>
  findOrNothing(id: number): Promise<User | undefined>
  findOrNull(id: number): Promise<User | null>
  findMany(ids: readonly number[]): Promise<User[]>
  findManyOrErrors(ids: readonly number[]): Promise<(User | Error | undefined)[]>
  update(id: number, user: User): Promise<void>
  delete(id: number): Promise<void>
}

test('ids and values come from load, and everything else follows', () => {
  const users = cache.source('users', {
    load: (id: number, ctx) => {
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
      return db.find(id)
    },
    loadMany: (ids) => {
      expectTypeOf(ids).toEqualTypeOf<readonly number[]>()
      return db.findMany(ids)
    },
    save: (id, user, ctx) => {
      expectTypeOf(id).toEqualTypeOf<number>()
      expectTypeOf(user).toEqualTypeOf<User>()
      expectTypeOf(ctx.attempt).toEqualTypeOf<number>()
      return db.update(id, user)
    },
    remove: (id) => db.delete(id),
    key: (id) => id.toFixed(0),
    ttl: '10m',
    tags: (user, id) => {
      expectTypeOf(id).toEqualTypeOf<number>()
      return [`org:${user.orgId}`]
    },
    version: 3,
  })
  expectTypeOf(users).toEqualTypeOf<Source<number, User>>()
  expectTypeOf(users.get(42)).resolves.toEqualTypeOf<User>()
  expectTypeOf(users.getMany([1, 2])).resolves.toEqualTypeOf<User[]>()
  expectTypeOf(users.lookupMany([1])).resolves.toEqualTypeOf<SourceResult<number, User>[]>()
  expectTypeOf(users.refresh(1)).resolves.toEqualTypeOf<User>()
  expectTypeOf(users.peek(1)).toEqualTypeOf<User | undefined>()
  expectTypeOf(users.keyOf(1)).toEqualTypeOf<string>()
  expectTypeOf(users.invalidate([1, 2])).resolves.toEqualTypeOf<WriteResult>()
})

test('a wrong id or value does not compile', () => {
  const users = cache.source('users', { load: (id: number) => db.find(id), save: (id, user) => db.update(id, user) })
  // @ts-expect-error an id is a number
  void users.get('42')
  // @ts-expect-error an id is a number
  void users.getMany(['1'])
  // @ts-expect-error a value is a User
  void users.save(42, { id: 42 })
  // @ts-expect-error a value is a User
  void users.saveMany([[42, 'Ada']])
  // @ts-expect-error an id is a number
  void users.invalidate('42')
  // @ts-expect-error an id is a number
  void users.warm(['42'])
  // @ts-expect-error a value is read by an id
  void users.get()
})

test('an absent value is neither accepted by save nor passed to tags', () => {
  const maybe = cache.source('maybe', {
    load: (id: number) => db.findOrNothing(id),
    save: (id, user) => db.update(id, user),
    tags: (user) => [user.orgId],
  })
  expectTypeOf(maybe.get(1)).resolves.toEqualTypeOf<User | undefined>()
  // @ts-expect-error an absent value is made by remove
  void maybe.save(1, undefined)
  const orNull = cache.source('orNull', {
    load: (id: number) => db.findOrNull(id),
    save: (id, user: User) => db.update(id, user),
    tags: (user) => [user.orgId],
  })
  expectTypeOf(orNull.get(1)).resolves.toEqualTypeOf<User | null>()
  // @ts-expect-error an absent value is made by remove
  void orNull.save(1, null)
})

test('the result of each id is a discriminated union', async () => {
  const users = cache.source('users', { load: (id: number) => db.findOrNull(id) })
  for (const result of await users.lookupMany([1])) {
    if (result.status === 'found') expectTypeOf(result.value).toEqualTypeOf<User>()
    else if (result.status === 'absent') expectTypeOf(result.value).toEqualTypeOf<null>()
    else expectTypeOf(result.error).toEqualTypeOf<unknown>()
  }
})

test('loadMany is enough without load, and an Error among its results is not part of the value’s type', () => {
  const users = cache.source('users', {
    loadMany: (ids: readonly string[], ctx) => {
      expectTypeOf(ctx.signal).toEqualTypeOf<AbortSignal>()
      return db.findManyOrErrors(ids.map(Number))
    },
  })
  expectTypeOf(users).toEqualTypeOf<Source<string, User | undefined>>()
  // @ts-expect-error load or loadMany is required
  cache.source('none', { ttl: '1m' })
})

test('an id may be any plain data', () => {
  const prices = cache.source('prices', {
    load: ({ sku, currency }: { sku: string; currency: string }) => `${sku} ${currency}`,
  })
  expectTypeOf(prices.get({ sku: 'a', currency: 'EUR' })).resolves.toEqualTypeOf<string>()
  // @ts-expect-error a part of the id is missing
  void prices.get({ sku: 'a' })
})

test('options are checked where they are written', () => {
  const load = (id: number) => db.find(id)
  // @ts-expect-error a duration is '5m'
  cache.source('a', { load, ttl: '5 minutes' })
  // @ts-expect-error there is no such mode
  cache.source('b', { load, write: 'around' })
  // @ts-expect-error the field is called orgId
  cache.source('c', { load, tags: (user) => [user.org] })
  // @ts-expect-error save takes what load returns
  cache.source('d', { load, save: (_id: number, _value: string) => undefined })
  cache.source('e', { load, schema: {} as StandardSchema<User> })
  // @ts-expect-error the schema belongs to another value
  cache.source('f', { load, schema: {} as StandardSchema<string> })
})

test('a collector takes the ids of the source', () => {
  const users = cache.source('users', { load: (id: number) => db.find(id) })
  expectTypeOf(cache.afterCommit()).toEqualTypeOf<AfterCommit>()
  cache.afterCommit().invalidate(users, [1, 2]).delete('k').invalidateTags(['t'])
  // @ts-expect-error an id is a number
  cache.afterCommit().invalidate(users, '1')
})
