// The requests of several tenants, each with its own objects, one after the other.
import { createCache } from 'tiercache'
import { cached } from 'tiercache/decorators'
import { describe, expect, test } from 'vitest'

class Repo {
  constructor(readonly tenant: string) {}

  async find(id: number) {
    return `${id} of ${this.tenant}`
  }
}

function open() {
  const cache = createCache({ logger: false })
  const notices: string[] = []
  cache.on('notice', ({ code }) => notices.push(code))
  return { cache, notices }
}

describe('a wrapped method that reads `this`, without the option per,', () => {
  test('is refused on a second object, which would get the result of the first one', async () => {
    const { cache } = open()
    const find = cache.wrap(Repo.prototype.find, { name: 'find' })
    const [a, b] = [new Repo('a'), new Repo('b')]
    expect(await find.call(a, 1)).toBe('1 of a')
    for (const again of [1, 2]) {
      await expect(find.call(b, again)).rejects.toMatchObject({
        code: 'INVALID_OPTION',
        message: expect.stringMatching(/two objects.*per: \(self\) => self\.tenant/),
      })
    }
    await expect(find.refresh.call(b, 1)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(find.set.call(b, [1], 'x')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    expect(await find.call(a, 2)).toBe('2 of a')
  })

  test('is refused on a second object also after the first was garbage-collected', async () => {
    const { cache } = open()
    const find = cache.wrap(Repo.prototype.find, { name: 'find' })
    await find.call(new Repo('a'), 1)
    await new Promise((resolve) => setImmediate(resolve))
    globalThis.gc?.()
    await expect(find.call(new Repo('b'), 1)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('works on one object, and in calls without an object', async () => {
    const { cache } = open()
    async function plus(this: { by: number } | undefined, a: number) {
      return a + (this?.by ?? 0)
    }
    const wrapped = cache.wrap(plus, { name: 'plus' }) as (this: unknown, a: number) => Promise<number>
    const self = { by: 1 }
    expect(await wrapped.call(self, 1)).toBe(2)
    expect(await wrapped.call(undefined, 5)).toBe(5)
    expect(await wrapped.call(self, 2)).toBe(3)
  })
})

describe('several objects', () => {
  test('have results of their own if per returns different values for them', async () => {
    const { cache } = open()
    const find = cache.wrap(Repo.prototype.find, { name: 'find', per: (self: Repo) => self.tenant } as never)
    const [a, b] = [new Repo('a'), new Repo('b')]
    expect([await find.call(a, 1), await find.call(b, 1)]).toEqual(['1 of a', '1 of b'])
  })

  test('share their results if per returns the same value for them', async () => {
    const { cache } = open()
    const find = cache.wrap(Repo.prototype.find, { name: 'find', per: () => 'all' } as never)
    expect([await find.call(new Repo('a'), 1), await find.call(new Repo('b'), 1)]).toEqual(['1 of a', '1 of a'])
  })

  test.each<[string, (id: number) => Promise<string>]>([
    ['function', async (id) => `${id}`],
    ['method', { find: async (id: number) => `${id}` }.find],
    [
      'function of an older target',
      function find(this: unknown, id: number) {
        return __awaiter(this, void 0, void 0, async () => `${id}`)
      } as (id: number) => Promise<string>,
    ],
    ['bound method', new Repo('x').find.bind(new Repo('x'))],
  ])('may share a %s that does not read `this`', async (_, fn) => {
    const { cache } = open()
    const find = cache.wrap(fn, { name: 'find' }) as (this: unknown, id: number) => Promise<string>
    const first = await find.call({}, 1)
    expect(await find.call({}, 1)).toBe(first)
  })
})

/** An async function as TypeScript compiles it for ES2015. */
function __awaiter(_self: unknown, _args: unknown, _promise: unknown, run: () => Promise<string>): Promise<string> {
  return run()
}

/** As TypeScript does with `experimentalDecorators`. */
function decorate(type: { readonly prototype: object }, name: string, decorator: unknown): void {
  const property = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor
  ;(decorator as (...place: unknown[]) => void)(type.prototype, name, property)
  Object.defineProperty(type.prototype, name, property)
}

describe('a method decorated with @cached that reads `this`, without the option per,', () => {
  test('is reported once when a second instance shares its results', async () => {
    const { cache, notices } = open()
    class Rows {
      constructor(readonly tenant: string) {}

      async find(id: number) {
        return `${id} of ${this.tenant}`
      }
    }
    decorate(Rows, 'find', cached(cache))
    expect(await new Rows('a').find(1)).toBe('1 of a')
    expect(notices).toEqual([])
    expect(await new Rows('b').find(1)).toBe('1 of a')
    expect(await new Rows('c').find(2)).toBe('2 of c')
    expect(notices).toEqual(['INSTANCES_SHARE'])
  })

  test('is not reported if it has per or does not read `this`', async () => {
    const { cache, notices } = open()
    class Rows {
      constructor(readonly tenant: string) {}

      async find(id: number) {
        return `${id} of ${this.tenant}`
      }

      async plus(a: number) {
        return a + 1
      }
    }
    decorate(Rows, 'find', cached(cache, { per: (self: Rows) => self.tenant } as never))
    decorate(Rows, 'plus', cached(cache))
    const [a, b] = [new Rows('a'), new Rows('b')]
    expect([await a.find(1), await b.find(1)]).toEqual(['1 of a', '1 of b'])
    expect([await a.plus(1), await b.plus(1)]).toEqual([2, 2])
    expect(notices).toEqual([])
  })
})
