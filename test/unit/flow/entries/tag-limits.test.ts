import type { LoadContext } from 'tiercache'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

const LIMIT = 1_000
const tags = (count: number, prefix = 't') => Array.from({ length: count }, (_, i) => `${prefix}${i}`)
const tagging = (list: readonly string[]) => (ctx: LoadContext) => {
  ctx.tags(list)
  return 'v'
}
const INVALID = { code: 'INVALID_KEY', message: expect.stringMatching(/at most 1000 tags; got 1001/) }

describe('an entry', () => {
  test('may have up to 1,000 tags', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1, { tags: tags(LIMIT) })
    expect(await cache.get('k')).toBe(1)
    await expect(cache.set('k', 2, { tags: tags(LIMIT + 1) })).rejects.toMatchObject(INVALID)
    await expect(cache.set('k', 2, { tags: () => tags(LIMIT + 1) })).rejects.toMatchObject(INVALID)
    await expect(cache.getOrSet('k2', () => 1, { tags: tags(LIMIT + 1) })).rejects.toMatchObject(INVALID)
    expect(await cache.get('k')).toBe(1)
  })

  test.each<[string, (cache: ReturnType<typeof l1Only>['cache']) => Promise<unknown>]>([
    ['a tags function', (cache) => cache.getOrSet('k', () => 'v', { tags: () => tags(LIMIT + 1) })],
    ['ctx.tags()', (cache) => cache.getOrSet('k', tagging(tags(LIMIT + 1)))],
    [
      'ctx.tags(), called often',
      (cache) =>
        cache.getOrSet('k', (ctx) => {
          for (const tag of tags(LIMIT + 1)) ctx.tags(tag)
          return 'v'
        }),
    ],
    ['several of them together', (cache) => cache.getOrSet('k', tagging(tags(600, 'a')), { tags: tags(600, 'b') })],
    [
      'calls that share a load',
      async (cache) => {
        const [value] = await Promise.all(
          ['a', 'b', 'c'].map((prefix) => cache.getOrSet('k', async () => 'v', { tags: tags(400, prefix) })),
        )
        return value
      },
    ],
    ['a wrapped function', (cache) => cache.wrap(async () => 'v', { name: 'f', tags: () => tags(LIMIT + 1) })()],
  ])('with more tags from %s is returned and not stored, and that is reported', async (_, read) => {
    const { cache } = l1Only()
    const notices: string[] = []
    cache.on('notice', ({ code }) => notices.push(code))
    expect(await read(cache)).toBe('v')
    expect(cache.stats().l1.entries).toBe(0)
    expect(notices).toEqual(['TAGS_FAILED'])
  })

  test('is invalidated by lists of tags of any length', async () => {
    const { cache } = l1Only()
    await cache.set('k', 1, { tags: ['t5000'] })
    await cache.invalidateTags(tags(10_000))
    expect(await cache.get('k')).toBeUndefined()
  })
})

describe('a tag', () => {
  test('may have up to 1,024 characters', async () => {
    const { cache } = l1Only()
    const longest = 'x'.repeat(1_024)
    await cache.set('k', 1, { tags: [longest] })
    await cache.invalidateTags(longest)
    expect(await cache.get('k')).toBeUndefined()
    const message = expect.stringMatching(/at most 1024 characters; got 1025/)
    const refusal = { code: 'INVALID_KEY', message }
    await expect(cache.set('k', 1, { tags: [`${longest}y`] })).rejects.toMatchObject(refusal)
    await expect(cache.invalidateTags(`${longest}y`)).rejects.toMatchObject(refusal)
    await expect(cache.getOrSet('k', () => 1, { tags: [`${longest}y`] })).rejects.toMatchObject(refusal)
  })
})
