// Functions among the options of decorators that fail: either nothing has changed yet, or the caller gets the result.
import type { Cache, CacheEvents } from 'tiercache'
import { cached, invalidates, updates } from 'tiercache/decorators'
import { record } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

/** Decorates `method` as `experimentalDecorators` does, and returns an instance of its class. */
function decorated<F extends (...args: never[]) => unknown>(method: F, ...decorators: unknown[]): { run: F } {
  class Repo {}
  let descriptor: PropertyDescriptor = { value: method, configurable: true, writable: true }
  for (const decorator of decorators) {
    descriptor = (decorator as (...place: unknown[]) => PropertyDescriptor)(Repo.prototype, 'run', descriptor)
  }
  Object.defineProperty(Repo.prototype, 'run', descriptor)
  return new Repo() as { run: F }
}

const throws = () => {
  throw new TypeError('no id')
}
const code = (expected: string) => expect.objectContaining({ code: expected })

async function cacheWith(key: string, tags: string[] = []): Promise<Cache> {
  const { cache } = l1Only()
  await cache.set(key, 'old', { tags })
  return cache
}

describe('wrong lists of tags and keys are refused when the class is declared', () => {
  test.each<[string, (cache: Cache) => unknown]>([
    ['@invalidates tags', (cache) => invalidates(cache, { tags: 'org' as never })],
    ['@invalidates keys', (cache) => invalidates(cache, { keys: [7] as never })],
    ['@invalidates tagsOf', (cache) => invalidates(cache, { tagsOf: ['a'] as never })],
    ['@updates tags', (cache) => updates(cache, { keyOf: () => 'k', tags: 'org' as never })],
    ['@updates tagsOf', (cache) => updates(cache, { keyOf: () => 'k', tagsOf: 'org' as never })],
    ['@cached tags', (cache) => cached(cache, { tags: 'org' as never })],
  ])('%s', (_what, decorate) => {
    expect(() => decorate(l1Only().cache)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/^INVALID_/) }),
    )
  })
})

describe('@invalidates', () => {
  test.each<[string, object]>([
    ['tags that throws', { tags: throws }],
    ['tags that returns a string', { tags: () => 'org' }],
    ['keys that returns a number', { keys: () => 7 }],
  ])('%s rejects before the method runs', async (_what, options) => {
    const run = vi.fn(async () => 'changed')
    const repo = decorated(run, invalidates(l1Only().cache, options as never))
    await expect(repo.run()).rejects.toThrow()
    expect(run).not.toHaveBeenCalled()
  })

  test.each<[string, () => unknown]>([
    ['throws', throws],
    ['returns a string', () => 'org'],
    ['is async', async () => throws()],
  ])(
    'tagsOf that %s: the caller gets the result, the known tags and keys are invalidated, and it is reported once',
    async (_what, tagsOf) => {
      const cache = await cacheWith('k', ['known'])
      const heard = record<CacheEvents>(cache, ['notice'])
      const repo = decorated(async () => 'changed', invalidates(cache, { tags: ['known'], tagsOf: tagsOf as never }))
      expect([await repo.run(), await repo.run()]).toEqual(['changed', 'changed'])
      expect(await cache.get('k')).toBeUndefined()
      expect(heard.of('notice')).toMatchObject([
        { code: 'TAGS_FAILED', detail: expect.stringContaining('tagsOf of @invalidates at run') },
      ])
    },
  )

  test('tagsOf is not called for an absent result', async () => {
    const { cache } = l1Only()
    const tagsOf = vi.fn(() => ['a'])
    expect(await decorated(async () => null, invalidates(cache, { tagsOf })).run()).toBeNull()
    expect(tagsOf).not.toHaveBeenCalled()
  })
})

describe('@updates', () => {
  test.each<[string, object, string, unknown]>([
    ['a keyOf that throws', { keyOf: throws }, 'KEY_FAILED', 'old'],
    ['a keyOf that returns a number', { keyOf: () => 7 }, 'KEY_FAILED', 'old'],
    ['a tagsOf that throws', { keyOf: () => 'k', tagsOf: throws }, 'TAGS_FAILED', undefined],
    ['a tagsOf that returns a string', { keyOf: () => 'k', tagsOf: () => 'org' }, 'TAGS_FAILED', undefined],
  ])('%s: the caller gets the result, and it is reported', async (_what, options, expected, left) => {
    const cache = await cacheWith('k')
    const heard = record<CacheEvents>(cache, ['notice'])
    expect(await decorated(async () => 'new', updates(cache, options as never)).run()).toBe('new')
    expect(await cache.get('k')).toBe(left)
    expect(heard.of('notice')).toEqual([code(expected)])
  })

  test('an argsOf that fails: the caller gets the result, and it is reported', async () => {
    const { cache } = l1Only()
    const heard = record<CacheEvents>(cache, ['notice'])
    class Repo {
      async find(id: string) {
        return id
      }
      async save(id: string) {
        return `saved ${id}`
      }
    }
    for (const [name, decorator] of [
      ['find', cached(cache)],
      ['save', updates(cache, { method: 'find', argsOf: throws })],
    ] as const) {
      const descriptor = Object.getOwnPropertyDescriptor(Repo.prototype, name)
      const replaced = (decorator as unknown as (...place: unknown[]) => PropertyDescriptor)(
        Repo.prototype,
        name,
        descriptor,
      )
      Object.defineProperty(Repo.prototype, name, replaced)
    }
    expect(await new Repo().save('a')).toBe('saved a')
    expect(heard.of('notice')).toEqual([code('KEY_FAILED')])
  })

  test('with a closed cache the call rejects', async () => {
    const cache = await cacheWith('k')
    const repo = decorated(async () => 'new', updates(cache, { keyOf: () => 'k' }))
    await cache.close()
    await expect(repo.run()).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

test('the name of a minified class is refused as the name of its entries, and the message says what to write', async () => {
  const { cache } = l1Only()
  const t = class t {
    async find(id: string) {
      return id
    }
  }
  const descriptor = Object.getOwnPropertyDescriptor(t.prototype, 'find')
  ;(cached(cache) as unknown as (...place: unknown[]) => void)(t.prototype, 'find', descriptor)
  Object.defineProperty(t.prototype, 'find', descriptor as PropertyDescriptor)
  const message = expect.stringMatching(/from a minifier.*option name/)
  await expect(new t().find('a')).rejects.toMatchObject({ code: 'NAME_REQUIRED', message })
})
