import { type Cache, createCache, type Pages, type WarmReport, type Wrapped, type WriteResult } from 'tiercache'
import { expectTypeOf, test } from 'vitest'

declare const cache: Cache
interface Quote {
  readonly symbol: string
  readonly price: number
}
declare function fetchQuote(symbol: string, currency?: 'EUR' | 'USD'): Promise<Quote>

test('a wrapped function has the signature of its function and returns a promise', () => {
  const quote = cache.wrap(fetchQuote)
  expectTypeOf(quote).parameters.toEqualTypeOf<[symbol: string, currency?: 'EUR' | 'USD']>()
  expectTypeOf(quote).returns.resolves.toEqualTypeOf<Quote>()
  expectTypeOf(quote).toExtend<Wrapped<[symbol: string, currency?: 'EUR' | 'USD'], Quote>>()
  expectTypeOf(cache.wrap((id: number) => id, { name: 'id' })).returns.toEqualTypeOf<Promise<number>>()
  // @ts-expect-error a symbol is a string
  quote(1)
  // @ts-expect-error no such currency
  quote('A', 'GBP')
})

test('a function that returns promises keeps its generics and overloads', () => {
  interface Table<Row> {
    readonly name: string
    readonly rows?: readonly Row[]
  }
  const find = cache.wrap(
    async <Row extends { id: number }>(table: Table<Row>, _id: number): Promise<Row | undefined> => table.rows?.[0],
    { name: 'find' },
  )
  const users: Table<{ id: number; email: string }> = { name: 'users' }
  expectTypeOf(find(users, 1)).resolves.toEqualTypeOf<{ id: number; email: string } | undefined>()
  // The verbs know the bound of a type parameter.
  expectTypeOf(find.peek(users, 1)).toEqualTypeOf<{ id: number } | undefined>()

  function read(key: 'count'): Promise<number>
  function read(key: 'name'): Promise<string>
  async function read(key: string): Promise<string | number> {
    return key
  }
  const cachedRead = cache.wrap(read)
  expectTypeOf(cachedRead('count')).resolves.toEqualTypeOf<number>()
  expectTypeOf(cachedRead('name')).resolves.toEqualTypeOf<string>()
  // @ts-expect-error the verbs take the arguments of the last overload
  cachedRead.invalidate('count')
})

test('a function that returns no promise, or that has properties, is wrapped with its last overload, a promise, and without the properties', () => {
  function parse(text: string): string
  function parse(text: number): number
  function parse(text: string | number): string | number {
    return text
  }
  expectTypeOf(cache.wrap(parse)).toEqualTypeOf<Wrapped<[text: number], number, unknown>>()
  const counted = Object.assign(async (id: number) => id, { calls: 0 })
  // @ts-expect-error properties of the function are not copied
  cache.wrap(counted, { name: 'counted' }).calls
})

test('its verbs take the same arguments', () => {
  const quote = cache.wrap(fetchQuote)
  expectTypeOf(quote.invalidate).toEqualTypeOf<(symbol: string, currency?: 'EUR' | 'USD') => Promise<WriteResult>>()
  expectTypeOf(quote.refresh('A')).resolves.toEqualTypeOf<Quote>()
  expectTypeOf(quote.peek('A')).toEqualTypeOf<Quote | undefined>()
  expectTypeOf(quote.keyOf('A')).toEqualTypeOf<string>()
  expectTypeOf(quote.touch('A', 'EUR')).resolves.toEqualTypeOf<boolean>()
  quote.set(['A', 'EUR'], { symbol: 'A', price: 1 })
  // @ts-expect-error a symbol is a string
  quote.invalidate(1)
  // @ts-expect-error a result has no price
  quote.set(['A'], { symbol: 'A' })
})

test('option functions get the arguments and the result with their types', () => {
  cache.wrap(fetchQuote, {
    tags: (symbol, currency) => {
      expectTypeOf(symbol).toEqualTypeOf<string>()
      expectTypeOf(currency).toEqualTypeOf<'EUR' | 'USD' | undefined>()
      return [symbol]
    },
    tagsOf: (quote, symbol) => {
      expectTypeOf(quote).toEqualTypeOf<Quote>()
      return [`${quote.price}`, symbol]
    },
    ttl: (symbol) => (symbol === 'A' ? '1m' : 500),
    ttlOf: (quote) => quote.price,
    key: (symbol: string) => symbol,
  })
  // @ts-expect-error a duration is '1m'
  cache.wrap(fetchQuote, { ttl: () => '1 minute' })
  // @ts-expect-error tags are strings
  cache.wrap(fetchQuote, { tags: () => [1] })
  // @ts-expect-error the option is called ttl
  cache.wrap(fetchQuote, { tll: '1m' })
})

test('`this` is that of the function', () => {
  const find = cache.wrap(
    function (this: { db: string }, id: number) {
      return `${this.db} ${id}`
    },
    { name: 'find', per: (self) => self.db },
  )
  expectTypeOf(find).thisParameter.toEqualTypeOf<{ db: string }>()
  // @ts-expect-error there is no `this` here
  find(1)
})

test('pages know the types of their items and cursors', () => {
  const users = cache.pages('users', {
    loadPage: async (cursor: number | undefined) => ({ items: [`user ${cursor}`], next: 7 }),
    tags: (page) => page.items,
  })
  expectTypeOf(users).toEqualTypeOf<Pages<string, number>>()
  expectTypeOf(users.page(7)).resolves.toExtend<{ items: readonly string[]; next?: number | null | undefined }>()
  // @ts-expect-error a cursor is a number
  users.page('7')
  // @ts-expect-error the next cursor must be one, too
  cache.pages('wrong', { loadPage: async (_cursor: number | undefined) => ({ items: [], next: 'b' }) })
})

test('warm takes keys with their loaders and reports by key', () => {
  expectTypeOf(cache.warm([['a', () => 1]], { concurrency: 2 })).resolves.toEqualTypeOf<WarmReport<string>>()
  cache.warm([{ key: 'a', load: async () => 1, options: { ttl: '1m' } }])
  // @ts-expect-error a loader is a function
  cache.warm([['a', 1]])
})

test('a request scope returns the result of its work', () => {
  expectTypeOf(createCache().requestScope(() => 1)).toEqualTypeOf<number>()
  expectTypeOf(cache.requestScope(async () => 'a')).toEqualTypeOf<Promise<string>>()
})
