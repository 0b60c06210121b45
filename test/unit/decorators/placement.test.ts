// Where the decorators may be used, and what they keep of the method. Called by hand, as compilers call them.
import { type Cache, createCache } from 'tiercache'
import { cached, cachedMethod, invalidates, updates } from 'tiercache/decorators'
import { afterEach, describe, expect, test, vi } from 'vitest'

type Decorator = (...args: unknown[]) => unknown
const code = (expected: string) => expect.objectContaining({ code: expected })

/** Decorates as `experimentalDecorators` does. */
function decorateLegacy(target: object, name: string | symbol, decorator: unknown): void {
  const descriptor = Object.getOwnPropertyDescriptor(target, name)
  const answered = (decorator as Decorator)(target, name, descriptor) ?? descriptor
  Object.defineProperty(target, name, answered as PropertyDescriptor)
}

/** Decorates as TC39 specifies; returns what runs for each new instance. */
function decorateStandard(
  target: object,
  name: string | symbol,
  decorator: unknown,
  context = {},
): (self: object) => void {
  const initializers: ((this: object) => void)[] = []
  const descriptor = Object.getOwnPropertyDescriptor(target, name) as PropertyDescriptor
  const addInitializer = (initialize: (this: object) => void) => initializers.push(initialize)
  const whole = { kind: 'method', name, static: false, private: false, addInitializer, ...context }
  const value = (decorator as Decorator)(descriptor.value, whole)
  Object.defineProperty(target, name, { ...descriptor, value })
  return (self) => {
    for (const initialize of initializers) initialize.call(self)
  }
}

function declare() {
  return class Repo {
    async find(id: string): Promise<string> {
      return id
    }
  }
}

afterEach(() => {
  for (const name of ['getOwnMetadataKeys', 'getOwnMetadata', 'defineMetadata']) Reflect.deleteProperty(Reflect, name)
})

describe('a decorator on something that is not a method', () => {
  test.each(['class', 'field', 'getter', 'setter', 'accessor'])('is refused: a %s', (kind) => {
    const decorator = cached(createCache()) as unknown as Decorator
    expect(() => decorator(() => 1, { kind, name: 'find' })).toThrow(code('INVALID_OPTION'))
  })

  test('is refused on legacy properties, accessors and classes', () => {
    const decorator = invalidates(createCache(), { tags: ['a'] }) as unknown as Decorator
    expect(() => decorator({}, 'find', undefined)).toThrow(code('INVALID_OPTION'))
    expect(() => decorator({}, 'find', { get: () => 1 })).toThrow(code('INVALID_OPTION'))
    expect(() => decorator(class {})).toThrow(code('INVALID_OPTION'))
  })
})

describe('options of a decorator', () => {
  const cache = createCache()
  test.each<[string, () => unknown]>([
    ['@cached: an unknown one', () => cached(cache, { tll: '1m' } as never)],
    ['@cached: a wrong duration', () => cached(cache, { ttl: '1 minute' as never })],
    ['@invalidates: none', () => invalidates(cache, undefined as never)],
    ['@invalidates: an unknown one', () => invalidates(cache, { tag: ['a'] } as never)],
    ['@invalidates: nothing to invalidate', () => invalidates(cache, {})],
    ['@invalidates: a method without its arguments', () => invalidates(cache, { method: 'find' })],
    ['@invalidates: an unknown time', () => invalidates(cache, { tags: ['a'], after: 'never' as never })],
    ['@updates: no place', () => updates(cache, {} as never)],
    ['@updates: two places', () => updates(cache, { keyOf: () => 'a', method: 'find', argsOf: () => [] } as never)],
    ['@updates: a method without its arguments', () => updates(cache, { method: 'find' } as never)],
    [
      '@updates: a ttl beside a method, which has its own',
      () => updates(cache, { method: 'find', argsOf: () => [], ttl: 1 } as never),
    ],
    ['@updates: a wrong duration', () => updates(cache, { keyOf: () => 'a', ttl: 'soon' as never })],
  ])('are refused when the class is declared: %s', (_what, decorate) => {
    expect(decorate).toThrow(code('INVALID_OPTION'))
  })

  test('that need the cache of an instance find none without an instance', async () => {
    const Repo = declare()
    decorateLegacy(
      Repo.prototype,
      'find',
      cached<never[], unknown, { cache: Cache }>((self) => self.cache),
    )
    await expect(Reflect.apply(Repo.prototype.find, undefined, ['a'])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('the name of a decorated method', () => {
  test('cannot be derived from a class without a name', async () => {
    const Anonymous = declare()
    Object.defineProperty(Anonymous, 'name', { value: '' })
    decorateLegacy(Anonymous.prototype, 'find', cached(createCache()))
    await expect(new Anonymous().find('a')).rejects.toMatchObject({ code: 'NAME_REQUIRED' })
  })

  test('cannot be derived from a symbol or a private name, but may be given', async () => {
    const find = Symbol('find')
    class Repo {
      async [find](id: string) {
        return id
      }
      async hidden(id: string) {
        return id
      }
    }
    const isPrivate = { private: true, name: '#hidden' }
    decorateStandard(Repo.prototype, find, cached(createCache()))
    decorateStandard(Repo.prototype, 'hidden', cached(createCache()), isPrivate)
    await expect(new Repo()[find]('a')).rejects.toMatchObject({ code: 'NAME_REQUIRED' })
    await expect(new Repo().hidden('a')).rejects.toMatchObject({ code: 'NAME_REQUIRED' })
    decorateStandard(Repo.prototype, find, cached(createCache(), { name: 'given' }))
  })
})

describe('a verb called without an instance', () => {
  test('means the class that declares the method, if that is known and the only one', async () => {
    const Repo = declare()
    decorateLegacy(Repo.prototype, 'find', cached(createCache()))
    const { find } = new Repo()
    expect(await Reflect.apply(find, undefined, ['a'])).toBe('a')
  })

  test('is refused while no class is known', async () => {
    const Repo = declare()
    const initialize = decorateStandard(Repo.prototype, 'find', cached(createCache()))
    const { find } = Repo.prototype
    await expect(Reflect.apply(find, undefined, ['a'])).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    initialize(new Repo())
    expect(await Reflect.apply(find, undefined, ['a'])).toBe('a')
  })
})

describe('other decorators', () => {
  test('may be combined with ours by a function that ignores their results, as in NestJS', async () => {
    const cache = createCache()
    const Repo = declare()
    const run = vi.spyOn(Repo.prototype, 'find')
    const descriptor = Object.getOwnPropertyDescriptor(Repo.prototype, 'find') as PropertyDescriptor
    for (const decorator of [cached(cache), invalidates(cache, { tags: ['a'] })]) {
      ;(decorator as unknown as Decorator)(Repo.prototype, 'find', descriptor)
    }
    Object.defineProperty(Repo.prototype, 'find', descriptor)
    const repo = new Repo()
    expect([await repo.find('a'), await repo.find('a')]).toEqual(['a', 'a'])
    expect(run).toHaveBeenCalledTimes(1)
  })

  test('find their metadata and properties on the decorated method', () => {
    const metadata = new Map<object, Map<unknown, unknown>>()
    Object.assign(Reflect, {
      getOwnMetadataKeys: (target: object) => [...(metadata.get(target)?.keys() ?? [])],
      getOwnMetadata: (key: unknown, target: object) => metadata.get(target)?.get(key),
      defineMetadata: (key: unknown, value: unknown, target: object) => {
        metadata.set(target, (metadata.get(target) ?? new Map()).set(key, value))
      },
    })
    const Repo = declare()
    metadata.set(Repo.prototype.find, new Map([['path', '/items']]))
    Object.assign(Repo.prototype.find, { own: 1 })
    decorateLegacy(Repo.prototype, 'find', cached(createCache()))
    expect(metadata.get(Repo.prototype.find)).toEqual(new Map([['path', '/items']]))
    expect(Reflect.get(Repo.prototype.find, 'own')).toBe(1)
  })

  test('above @cached leave its verbs reachable if they are ours; else the error of the verbs says what to do', async () => {
    const cache = createCache()
    const Repo = declare()
    decorateLegacy(Repo.prototype, 'find', cached(cache))
    decorateLegacy(Repo.prototype, 'find', invalidates(cache, { tags: ['a'] }))
    const repo = new Repo()
    await repo.find('a')
    expect(cachedMethod(repo, 'find').peek('a')).toBe('a')
    expect((repo.find as unknown as { peek(id: string): unknown }).peek('a')).toBe('a')
    Repo.prototype.find = async (id) => id
    expect(() => cachedMethod(repo, 'find')).toThrow(/@cached/)
  })
})

test('a generator method is refused when it is decorated', () => {
  class Feed {
    async *pages() {
      yield 1
    }
  }
  for (const decorate of [decorateLegacy, decorateStandard]) {
    expect(() => decorate(Feed.prototype, 'pages', cached(createCache()))).toThrow(/can be read only once/)
  }
})
