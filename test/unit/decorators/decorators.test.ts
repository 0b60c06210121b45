// The decorators, each case with TC39 and with legacy decorators (experimentalDecorators): one import, the same behaviour.
import * as tiercache from 'tiercache'
import { createCache } from 'tiercache'
import * as decorators from 'tiercache/decorators'
import { cachedMethod } from 'tiercache/decorators'
import { FakeClock } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { DECORATOR_STANDARDS, runCompiled } from '../../support/compiled.js'
import type * as Fixtures from './fixtures/classes.js'

const file = new URL('./fixtures/classes.ts', import.meta.url)

/** The verbs of a decorated method. */
interface Verbs {
  invalidate(...args: unknown[]): Promise<string>
  refresh(...args: unknown[]): Promise<unknown>
  keyOf(...args: unknown[]): string
  peek(...args: unknown[]): unknown
  clear(): Promise<string>
}
const verbsOf = (method: unknown) => method as Verbs

describe.each(DECORATOR_STANDARDS)('as $standard decorators', ({ compilerOptions }) => {
  const fixtures = runCompiled<typeof Fixtures>(file, compilerOptions, {
    tiercache,
    'tiercache/decorators': decorators,
  })

  function makeClasses() {
    const clock = new FakeClock()
    const cache = createCache({ clock, name: 'shop' })
    return { clock, cache, ...fixtures.declareClasses(cache) }
  }

  describe('@cached', () => {
    test('runs the method once per arguments, with its `this`', async () => {
      const repo = new (makeClasses().Repo)()
      repo.items.set('a', { id: 'a', name: 'A' })
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
      expect(await repo.find('b')).toBeUndefined()
      expect(repo.calls).toEqual(['find a', 'find b'])
    })

    test('names entries by class and method', async () => {
      const { cache, Repo } = makeClasses()
      const repo = new Repo()
      repo.items.set('a', { id: 'a', name: 'A' })
      await repo.find('a')
      expect(await cache.namespace('Repo.find').get('a')).toEqual({ id: 'a', name: 'A' })
    })

    test('leaves a method with its name and length, not enumerable, on the prototype', () => {
      const { Repo } = makeClasses()
      const descriptor = Object.getOwnPropertyDescriptor(Repo.prototype, 'find')
      expect([Repo.prototype.find.name, Repo.prototype.find.length]).toEqual(['find', 1])
      expect(descriptor).toMatchObject({ enumerable: false, writable: true, configurable: true })
      expect(Object.keys(new Repo())).not.toContain('find')
    })

    test('shares entries between the instances of a class, unless per separates them', async () => {
      const { Repo } = makeClasses()
      const [a, b] = [new Repo('a'), new Repo('b')]
      await a.find('x')
      await b.find('x')
      expect([a.calls, b.calls]).toEqual([['find x'], []])
      expect([await a.whose('x'), await b.whose('x')]).toEqual(['a x', 'b x'])
    })

    test('keeps the entries of classes that inherit the method apart', async () => {
      const { Users, Orders } = makeClasses()
      const [users, orders] = [new Users(), new Orders()]
      users.items.set('1', { id: '1', name: 'user' })
      orders.items.set('1', { id: '1', name: 'order' })
      expect([await users.find('1'), await orders.find('1')]).toMatchObject([{ name: 'user' }, { name: 'order' }])
    })

    test('refuses two classes of one name, instead of sharing their entries', async () => {
      const [One, Two] = fixtures.declareTwins(createCache())
      expect(await new One().find('a')).toBe('one')
      await expect(new Two().find('a')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    })

    test('with a name of its own works for one class, and for several only if per separates them', async () => {
      const { Users, Orders } = fixtures.declareNamed(createCache())
      const [users, orders] = [new Users('users'), new Orders('orders')]
      expect(await users.row(1)).toBe('users 1')
      await expect(orders.row(1)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      expect([await users.count(), await orders.count()]).toEqual(['users', 'orders'])
    })

    test('caches static methods, with the class as `this`', async () => {
      const { Repo, Users } = makeClasses()
      expect([await Repo.describe('a'), await Repo.describe('a')]).toEqual(['Repo a 1', 'Repo a 1'])
      expect(await Users.describe('a')).toBe('Users a 2')
      await verbsOf(Repo.describe).invalidate('a')
      expect(await Repo.describe('a')).toBe('Repo a 3')
      expect(await cachedMethod(Repo, 'describe').refresh('a')).toBe('Repo a 4')
      expect(await Users.describe('a')).toMatch(/^Users a/)
    })

    test('gets the cache from the instance if it is given as a function', async () => {
      const Service = fixtures.declareService()
      const [first, second] = [new Service(createCache()), new Service(createCache())]
      expect([await first.find('a'), await first.find('a')]).toEqual(['a 1', 'a 1'])
      expect(await second.find('a')).toBe('a 1')
      await first.update('a')
      expect([await first.find('a'), await second.find('a')]).toEqual(['a 2', 'a 1'])
    })

    test('rejects if the function returns no cache', async () => {
      const Service = fixtures.declareService()
      await expect(new Service(undefined as never).find('a')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    })

    test('works with a namespace that is created at each call', async () => {
      const Service = fixtures.declareService()
      const cache = createCache()
      class Scoped extends Service {
        constructor() {
          super(cache)
          Object.defineProperty(this, 'cache', { get: () => cache.namespace('scoped') })
        }
      }
      const service = new Scoped()
      expect([await service.find('a'), await service.find('a')]).toEqual(['a 1', 'a 1'])
    })
  })

  describe('the verbs of decorated methods', () => {
    test('work on the entries of the method’s class', async () => {
      const { Repo } = makeClasses()
      const repo = new Repo()
      const verbs = verbsOf(repo.find)
      await repo.find('a')
      expect(verbs.keyOf('a')).toBe('a')
      repo.items.set('a', { id: 'a', name: 'A' })
      expect(await verbs.invalidate('a')).toBe('applied')
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
      expect(verbs.peek('a')).toEqual({ id: 'a', name: 'A' })
      expect(await verbs.clear()).toBe('applied')
      expect(verbs.peek('a')).toBeUndefined()
    })

    test('without an instance invalidate for every class that has the method', async () => {
      const { Repo, Users, Orders } = makeClasses()
      const [users, orders] = [new Users(), new Orders()]
      await users.find('a')
      await orders.find('a')
      await verbsOf(Repo.prototype.find).invalidate('a')
      await users.find('a')
      await orders.find('a')
      expect([users.calls, orders.calls]).toEqual([
        ['find a', 'find a'],
        ['find a', 'find a'],
      ])
    })

    test('need an instance if the class or the cache depends on it', async () => {
      const { Repo } = makeClasses()
      const repo = new Repo()
      await expect(verbsOf(repo.find).refresh('a')).rejects.toThrow(/cachedMethod\(instance, 'find'\)/)
      await expect(verbsOf(repo.whose).invalidate('a')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      const service = new (fixtures.declareService())(createCache())
      await service.find('a')
      await expect(verbsOf(service.find).invalidate('a')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
      expect(() => verbsOf(service.find).peek('a')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    })

    test('of an instance use its cache, its class and its types', async () => {
      const { Repo } = makeClasses()
      const repo = new Repo('t')
      repo.items.set('a', { id: 'a', name: 'A' })
      const find = cachedMethod(repo, 'find')
      expect(await find.refresh('a')).toEqual({ id: 'a', name: 'A' })
      expect(await find.refresh('a')).toEqual({ id: 'a', name: 'A' })
      expect(repo.calls).toEqual(['find a', 'find a'])
      expect(find.peek('a')).toEqual({ id: 'a', name: 'A' })
      await find.set(['b'], { id: 'b', name: 'B' })
      expect(await repo.find('b')).toEqual({ id: 'b', name: 'B' })
      await find.invalidate('a')
      expect(find.peek('a')).toBeUndefined()
      await repo.whose('a')
      const whose = cachedMethod(repo, 'whose')
      expect([whose.peek('a'), whose.keyOf('a')]).toEqual(['t a', 't,a'])
      await find.clear()
      expect(find.peek('b')).toBeUndefined()
      const service = new (fixtures.declareService())(createCache())
      expect(await cachedMethod(service, 'find').refresh('a')).toBe('a 1')
      expect(await service.find('a')).toBe('a 1')
    })

    test('exist for decorated methods only', () => {
      const { Repo } = makeClasses()
      expect(() => cachedMethod(new Repo(), 'update')).toThrow(expect.objectContaining({ code: 'INVALID_OPTION' }))
    })
  })

  describe('@invalidates', () => {
    test('invalidates tags by the arguments, after the method', async () => {
      const repo = new (makeClasses().Repo)()
      await repo.find('a')
      await repo.find('b')
      expect(await repo.update('a', 'A')).toEqual({ id: 'a', name: 'A' })
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
      await repo.find('b')
      expect(repo.calls).toEqual(['find a', 'find b', 'find a'])
    })

    test('invalidates the calls of a cached method', async () => {
      const repo = new (makeClasses().Users)()
      await repo.find('a')
      await repo.rename('a', 'A')
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
    })

    test('invalidates tags by the result, and keys', async () => {
      const { cache, Repo } = makeClasses()
      const repo = new Repo()
      repo.items.set('a', { id: 'a', name: 'A' })
      await repo.find('a')
      await cache.setMany<unknown>([
        ['count', 1],
        ['list', ['a']],
        ['other', 1],
      ])
      expect(await repo.removeAll()).toEqual(['a'])
      expect(await repo.find('a')).toBeUndefined()
      expect(await cache.getMany(['count', 'list', 'other'])).toEqual([undefined, undefined, 1])
    })

    test('invalidates nothing if the method rejects, unless the option after says so', async () => {
      const { cache, Repo } = makeClasses()
      const repo = new Repo()
      const fill = () => cache.set('k', 'v', { tags: ['items'] })
      await fill()
      await expect(repo.check()).rejects.toThrow('invalid')
      expect(await cache.get('k')).toBe('v')
      await expect(repo.importAll()).rejects.toThrow('timed out')
      expect(await cache.get('k')).toBeUndefined()
    })
  })

  describe('@updates', () => {
    test('stores the result as that of a cached method', async () => {
      const repo = new (makeClasses().Repo)()
      await repo.find('a')
      await repo.save('a', 'A')
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'A' })
      expect(repo.calls).toEqual(['find a'])
      await repo.update('a', 'B')
      expect(await repo.find('a')).toEqual({ id: 'a', name: 'B' })
    })

    test('stores the result under a key, with ttl and tags', async () => {
      const { cache, clock, Repo } = makeClasses()
      const repo = new Repo()
      for (const id of ['a', 'b', 'c']) await repo.create(id, id.toUpperCase())
      await cache.invalidateTags(['item:a', 'name:B'])
      expect(await cache.getMany(['item:a', 'item:b', 'item:c'])).toEqual([
        undefined,
        undefined,
        { id: 'c', name: 'C' },
      ])
      await clock.advance(5000)
      expect(await cache.get('item:c')).toBeUndefined()
    })

    test('stores nothing if the method rejects', async () => {
      const { cache, Repo } = makeClasses()
      await cache.set('item:a', 'old')
      await expect(new Repo().create('a', '')).rejects.toThrow('no name')
      expect(await cache.get('item:a')).toBe('old')
    })
  })
})
