// The oldest TypeScript that the package supports. The declarations of libraries are checked as well.
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

// `NoInfer` came with 5.4. Substitutes for it lose the types of callbacks in options.
const OLDEST = '5.4'

const PROGRAM = `
import { Redis } from 'ioredis'
import { AfterCommit, Cache, CacheError, createCache, Source } from 'tiercache'
import { cached } from 'tiercache/decorators'
import { redisTier } from 'tiercache/redis'
import { FakeClock } from 'tiercache/testing'

export const cache: Cache = createCache({ name: 'shop', clock: new FakeClock(), l2: redisTier(new Redis({ lazyConnect: true })) })
interface User { readonly id: number; readonly org: string }
export const users: Source<number, User> = cache.source('users', {
  load: (id: number): User => ({ id, org: 'a' }),
  tags: (user) => [user.org],
})
export const price = cache.wrap(async (symbol: string, currency?: 'EUR' | 'USD') => symbol.length, {
  name: 'price',
  tags: (symbol, currency) => [symbol, String(currency)],
})
export class Repo {
  @cached(cache, { tags: (id) => [id.toUpperCase()] }) async find(id: string): Promise<User> {
    return { id: 1, org: id }
  }
}
export const hits: number = cache.stats().reads.hit.l1
export const isOurs = (error: unknown): boolean => error instanceof CacheError || error instanceof AfterCommit
// @ts-expect-error a duration is not a sentence
createCache({ ttl: '5 minutes' })
`

const SETTINGS = [
  { name: 'node16', files: ['program.mts', 'program.cts'], options: { module: 'node16', moduleResolution: 'node16' } },
  { name: 'bundler', files: ['program.ts'], options: { module: 'esnext', moduleResolution: 'bundler' } },
]

describe(`with TypeScript ${OLDEST}`, () => {
  let consumer: Consumer

  beforeAll(async () => {
    consumer = await createConsumer([inject('tarball'), `typescript@${OLDEST}`, 'ioredis@6', '@types/node@20'])
  })

  afterAll(() => consumer?.stop())

  test.each(SETTINGS)('the declarations of every entry compile under $name', ({ files, options }) => {
    expect(consumer.compile(files, PROGRAM, options, consumer.typescript())).toBe('')
  })

  test('this check finds a mistake', () => {
    const wrong = "import { Cache } from 'tiercache'\nexport const cache: Cache = 1\n"
    const [, bundler] = SETTINGS
    expect(consumer.compile(['wrong.ts'], wrong, bundler?.options ?? {}, consumer.typescript())).toContain('TS2322')
  })
})
