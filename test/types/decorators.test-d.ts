// Compiled as TC39 decorators. test/architecture/decorator-types.test.ts compiles the same lines as legacy decorators.
import type { Cache, CachedCalls } from 'tiercache'
import { cached, cachedMethod, invalidates, updates } from 'tiercache/decorators'
import { expectTypeOf, test } from 'vitest'

declare const cache: Cache
interface Item {
  readonly id: string
}

test('the options of a decorator know the arguments, the result and the class of the method under it', () => {
  class Repo {
    readonly tenant = 'a'

    @cached(cache, {
      tags: (id, more) => [id.toUpperCase(), `${more?.toFixed()}`],
      tagsOf: (item, id) => [item.id, id],
      per: (self) => self.tenant,
    })
    async find(id: string, _more?: number): Promise<Item> {
      return { id }
    }

    @cached((self) => (self.tenant === 'a' ? cache : cache.namespace(self.tenant)), { ttl: (id) => id })
    async other(id: number): Promise<number> {
      return id
    }

    @invalidates(cache, { tags: (id) => [id.toUpperCase()], method: 'find', args: (id) => [id] })
    async update(id: string, _name: string): Promise<void> {
      await this.find(id)
    }

    @updates(cache, { keyOf: (item, name) => `${item.id.toUpperCase()} ${name.length}` })
    async create(name: string): Promise<Item> {
      return { id: name }
    }

    @cached(cache, { tags: (id: string) => [id] })
    static async count(id: string, _from: number): Promise<number> {
      return id.length
    }

    @cached(cache)
    async generic<T>(value: T): Promise<T> {
      return value
    }
  }
  expectTypeOf(new Repo().find).toEqualTypeOf<(id: string, _more?: number) => Promise<Item>>()
  expectTypeOf(cachedMethod(new Repo(), 'find')).toEqualTypeOf<CachedCalls<[id: string, _more?: number], Item>>()
  expectTypeOf(cachedMethod(Repo, 'count').peek('a', 1)).toEqualTypeOf<number | undefined>()
  // @ts-expect-error an id is a string
  cachedMethod(new Repo(), 'find').invalidate(1)
  // @ts-expect-error there is no such method
  cachedMethod(new Repo(), 'lost')
})

test('options that do not fit the method do not compile', () => {
  class Repo {
    // @ts-expect-error the id is a string
    @cached(cache, { tags: (id: number) => [`${id}`] })
    async find(id: string): Promise<Item> {
      return { id }
    }

    // @ts-expect-error the method must return a promise
    @cached(cache)
    now(): number {
      return 1
    }

    // @ts-expect-error the result has no name
    @updates(cache, { keyOf: (item) => item.name })
    async create(id: string): Promise<Item> {
      return { id }
    }

    // @ts-expect-error there is no such property
    @cached((self) => self.cache)
    async other(id: string): Promise<string> {
      return id
    }

    // @ts-expect-error a duration is '1m'
    @cached(cache, { ttl: '1 minute' })
    async wrong(id: string): Promise<string> {
      return id
    }
  }
  expectTypeOf<Repo>().toBeObject()
})

test('a decorator may be created first and used on every method that fits it', () => {
  const byId = cached<[id: string], Item>(cache, { tags: (id) => [id.toUpperCase()] })
  const any = cached(cache, { ttl: '1m' })
  class Repo {
    @byId
    async find(id: string): Promise<Item> {
      return { id }
    }

    @any
    async count(_from: number, _to: number): Promise<number> {
      return 1
    }

    // @ts-expect-error its id is a number
    @byId
    async other(id: number): Promise<Item> {
      return { id: `${id}` }
    }
  }
  expectTypeOf<Repo>().toBeObject()
  expectTypeOf(any as MethodDecorator).toBeFunction()
})
