// Names that are registered again: by a module that a dev server evaluates again, by a second bundle, or by mistake.
import { createContext, runInContext } from 'node:vm'
import type { Cache } from 'tiercache'
import { cached } from 'tiercache/decorators'
import { settle } from 'tiercache/testing'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

afterEach(() => vi.unstubAllEnvs())

/** Evaluates `code` as the module `file`, in a separate turn of the event loop. Its exports are its last expression. */
async function evaluate<T>(cache: Cache, file: string, code: string): Promise<T> {
  await settle()
  return runInContext(code, createContext({ cache, decorate, cached }), { filename: file }) as T
}

/** Decorates as `experimentalDecorators` does. */
function decorate(type: { prototype: object }, name: string, decorator: (...args: unknown[]) => unknown): unknown {
  const descriptor = Object.getOwnPropertyDescriptor(type.prototype, name) as PropertyDescriptor
  return Object.defineProperty(type.prototype, name, decorator(type.prototype, name, descriptor) as PropertyDescriptor)
}

type Read = (id: number) => Promise<string>

/** Ways to register the name `users`; `returns` is what the loader returns. */
const REGISTER: [string, (returns: string) => string][] = [
  ['a source', (returns) => `const s = cache.source('users', { load: (id) => '${returns} ' + id }); (id) => s.get(id)`],
  ['a wrapped function', (returns) => `cache.wrap(async (id) => '${returns} ' + id, { name: 'users' })`],
  [
    'a list in pages',
    (returns) =>
      `const l = cache.pages('users', { loadPage: (id) => ({ items: ['${returns} ' + id] }) }); async (id) => (await l.page(id)).items[0]`,
  ],
  [
    'a cached method',
    (returns) =>
      `class Users { async find(id) { return '${returns} ' + id } }; decorate(Users, 'find', cached(cache)); (id) => new Users().find(id)`,
  ],
]
const FILE = '/app/users.js'

describe.each(REGISTER)('%s in a module that is evaluated again', (_what, register) => {
  test('keeps its name and its entries', async () => {
    const { cache } = l1Only()
    const first = await evaluate<Read>(cache, FILE, register('user'))
    expect(await first(1)).toBe('user 1')
    const second = await evaluate<Read>(cache, FILE, register('user'))
    expect(await second(1)).toBe('user 1')
    expect(cache.stats().loads).toBe(1)
  })

  test('keeps its name after an edit, and the new code is used for later loads', async () => {
    const { cache } = l1Only()
    const first = await evaluate<Read>(cache, FILE, register('user'))
    await first(1)
    const second = await evaluate<Read>(cache, `${FILE}?t=17`, register('edited'))
    expect([await second(1), await second(2)]).toEqual(['user 1', 'edited 2'])
  })

  test('keeps its name if the bundler moved it to another file', async () => {
    vi.stubEnv('NODE_ENV', 'production')
    const { cache } = l1Only()
    await (await evaluate<Read>(cache, '/app/chunks/1.js', register('user')))(1)
    await (await evaluate<Read>(cache, '/app/chunks/2.js', register('user')))(1)
    expect(cache.stats().loads).toBe(1)
  })

  test('is refused if it differs and is in another file, or if it differs in production', async () => {
    const { cache } = l1Only()
    const read = async (file: string, returns: string) => (await evaluate<Read>(cache, file, register(returns)))(1)
    await read(FILE, 'user')
    await expect(read('/app/orders.js', 'order')).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    vi.stubEnv('NODE_ENV', 'production')
    await expect(read(FILE, 'order')).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      message: expect.stringContaining('users'),
    })
  })
})

test('a module that is evaluated as a string, as by Vite and webpack, is recognized by its sourceURL', async () => {
  const { cache } = l1Only()
  const [, register] = REGISTER[0] as (typeof REGISTER)[number]
  const inString = async (file: string, returns: string) => {
    const code = `${register(returns)}\n//# sourceURL=${file}`
    return (await evaluate<Read>(cache, '/app/loader.js', `eval(${JSON.stringify(code)})`))(1)
  }
  expect(await inString('webpack-internal:///(rsc)/./users.ts', 'user')).toBe('user 1')
  expect(await inString('webpack-internal:///(ssr)/./users.ts', 'edited')).toBe('user 1')
  await expect(inString('webpack-internal:///(ssr)/./orders.ts', 'order')).rejects.toMatchObject({
    code: 'INVALID_OPTION',
  })
})

describe('a name is refused', () => {
  test.each(REGISTER.slice(0, 3))('for two definitions in one turn of the event loop: %s', async (_what, register) => {
    const { cache } = l1Only()
    const twice = `{ ${register('user')} } { ${register('other')} }`
    await expect(evaluate(cache, FILE, twice)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })

  test('for a function that is wrapped again at each call, since its text does not show its closure', async () => {
    const { cache } = l1Only()
    const of = await evaluate<(tenant: string) => Read>(
      cache,
      FILE,
      `const of = (tenant) => cache.wrap(async (id) => tenant + ' ' + id, { name: 'users' }); of`,
    )
    expect(await of('a')(1)).toBe('a 1')
    await settle()
    expect(() => of('b')).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTION', message: expect.stringContaining('at each call') }),
    )
  })

  test('for a second definition at the same URL, which Node evaluates only once', async () => {
    const { cache } = l1Only()
    const url = 'file:///app/users.mjs'
    await evaluate(cache, url, REGISTER[1]?.[1]('user') as string)
    const again = evaluate(cache, url, REGISTER[1]?.[1]('user') as string)
    await expect(again).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    await expect(evaluate(cache, `${url}?t=1`, REGISTER[1]?.[1]('user') as string)).resolves.toBeDefined()
  })

  test('for a definition of another kind', async () => {
    const { cache } = l1Only()
    const [source, wrapped, list] = REGISTER.map(([, register]) => register('user')) as [string, string, string]
    await evaluate(cache, FILE, source)
    for (const code of [wrapped, list]) {
      await expect(evaluate(cache, FILE, code)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
    }
    await expect(evaluate(cache, FILE, source.replace("'users', {", "'users', { version: 2,"))).resolves.toBeDefined()
  })
})

test('the same definition returns the same source, with its queue of changes', async () => {
  const { cache } = l1Only()
  const definition = { load: async (id: number) => `user ${id}`, save: vi.fn(), write: 'behind' } as const
  const [first, second] = [cache.source('users', definition), cache.source('users', definition)]
  await first.save(1, 'changed')
  expect(await second.get(1)).toBe('changed')
})
