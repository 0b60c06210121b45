// The recipes for other packages do what they say: their programs run, and their files are used as the packages do it.

import { readFileSync } from 'node:fs'
import * as apollo from '@apollo/server'
import responseCachePlugin from '@apollo/server-plugin-response-cache'
import * as tiercache from 'tiercache'
import * as tiercacheKeyv from 'tiercache/keyv'
import { deferred, MemoryServer, memoryTier } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { runText } from '../support/compiled.js'
import { runGuide } from '../support/guide.js'

test('the program of the recipe for Apollo Server prints what it says', async () => {
  const plugin = { __esModule: true, default: responseCachePlugin }
  const modules = {
    ...{ tiercache, 'tiercache/keyv': tiercacheKeyv, '@apollo/server': apollo },
    '@apollo/server-plugin-response-cache': plugin,
  }
  const { promised, printed } = await runGuide('../recipes/apollo', modules, { esModuleInterop: true })
  expect(promised.length).toBe(5)
  expect(printed).toEqual(promised)
})

interface PageHandler {
  get(key: string, context?: object): Promise<{ value: unknown; lastModified: number } | null>
  set(key: string, value: unknown, context?: object): Promise<void>
  revalidateTag(tags: string | string[], durations?: object): Promise<void>
  resetRequestCache(): void
}

interface UseCacheEntry {
  readonly value: ReadableStream<Uint8Array>
  readonly tags: string[]
  readonly stale: number
  readonly timestamp: number
  readonly expire: number
  readonly revalidate: number
}

interface UseCacheHandler {
  get(key: string, softTags: string[]): Promise<UseCacheEntry | undefined>
  set(key: string, entry: Promise<UseCacheEntry>): Promise<void>
  refreshTags(): Promise<void>
  getExpiration(tags: string[]): Promise<number>
  updateTags(tags: string[], durations?: object): Promise<void>
}

/** A process of Next.js: a file of the recipe with a cache of its own over the L2 of all. */
async function inProcess<Default>(
  file: 0 | 1,
  server: MemoryServer,
  run: (handler: Default, cache: tiercache.Cache) => Promise<void>,
): Promise<void> {
  const page = readFileSync(new URL('../../docs/recipes/nextjs.md', import.meta.url), 'utf8')
  const text = [...page.matchAll(/^```js\n(.*?)^```$/gms)][file]?.[1] ?? ''
  const modules = {
    tiercache,
    ioredis: { Redis: class {} },
    'tiercache/redis': { redisTier: () => memoryTier(server) },
  }
  const own: { nextCache?: tiercache.Cache } = {}
  const { default: handler } = runText<{ default: Default }>(text, 'handler.ts', {}, modules, { globalThis: own })
  const cache = own.nextCache as tiercache.Cache
  try {
    await run(handler, cache)
  } finally {
    await cache.close()
  }
}

const PAGE = {
  kind: 'APP_PAGE',
  html: '<p>1</p>',
  rscData: Buffer.from([1, 2, 255]),
  postponed: undefined,
  headers: { 'x-next-cache-tags': 'products,_N_T_/shop' },
  status: 200,
  segmentData: new Map([['/_tree', Buffer.from('tree')]]),
}

test('cacheHandler of Next.js: what one instance rendered another one serves, until its tag is revalidated on either', async () => {
  const server = new MemoryServer()
  await inProcess<new () => PageHandler>(0, server, (First) =>
    inProcess<new () => PageHandler>(0, server, async (Second, second) => {
      const [one, two] = [new First(), new Second()]
      one.resetRequestCache()
      expect(await one.get('/shop', { kind: 'APP_PAGE' })).toBeNull()
      await one.set('/shop', PAGE, { cacheControl: { revalidate: 60, expire: 3600 } })
      const got = await two.get('/shop', { kind: 'APP_PAGE' })
      expect(got).toMatchObject({ value: PAGE, cacheControl: { revalidate: 60 } })
      expect(Math.abs((got?.lastModified ?? 0) - Date.now())).toBeLessThan(60_000)
      await two.revalidateTag('products')
      expect(await two.get('/shop')).toBeNull()
      // Another process hears of it at once.
      await second.drain()
      await expect.poll(() => one.get('/shop')).toBeNull()
    }),
  )
})

test('cacheHandler: a render that began before its tag was revalidated is not served, here and elsewhere', async () => {
  const server = new MemoryServer()
  await inProcess<new () => PageHandler>(0, server, (First) =>
    inProcess<new () => PageHandler>(0, server, async (Second) => {
      const [one, two] = [new First(), new Second()]
      expect(await one.get('/shop')).toBeNull()
      await one.revalidateTag(['products'])
      await one.set('/shop', PAGE, { revalidate: 60 })
      expect([await one.get('/shop'), await two.get('/shop')]).toEqual([null, null])
      await nextMillisecond()
      expect(await one.get('/later')).toBeNull()
      await one.set('/later', PAGE, { revalidate: 60 })
      expect(await two.get('/later')).not.toBeNull()
    }),
  )
})

test('cacheHandler: a fetch is outdated by its tags and by the soft tags of the path that reads it', async () => {
  await inProcess<new () => PageHandler>(0, new MemoryServer(), async (Handler) => {
    const handler = new Handler()
    const value = { kind: 'FETCH', data: { headers: {}, body: 'e30=', status: 200, url: '/' }, revalidate: 60 }
    for (const changed of ['rates', '_N_T_/shop']) {
      const context = { kind: 'FETCH', tags: ['rates'], softTags: ['_N_T_/shop'] }
      await nextMillisecond()
      await handler.get('fetch', context)
      await handler.set('fetch', value, { fetchCache: true, tags: ['rates'] })
      expect((await handler.get('fetch', context))?.value).toEqual(value)
      await handler.revalidateTag(changed, { expire: 3600 })
      expect(await handler.get('fetch', context)).toBeNull()
    }
  })
})

test("cacheHandlers for 'use cache': entries are shared, waited for, and outdated by tags and soft tags", async () => {
  const server = new MemoryServer()
  await inProcess<UseCacheHandler>(1, server, (one) =>
    inProcess<UseCacheHandler>(1, server, async (two) => {
      const entry = (text: string): UseCacheEntry => ({
        ...{ value: new Blob([text]).stream() as ReadableStream<Uint8Array>, tags: ['rates'], timestamp: Date.now() },
        ...{ stale: 30, expire: 300, revalidate: 60 },
      })
      await one.refreshTags()
      expect(await one.getExpiration(['rates', '_N_T_/a'])).toBe(0)
      const pending = deferred<UseCacheEntry>()
      const setting = one.set('a', pending.promise)
      const waiting = one.get('a', [])
      pending.resolve(entry('first'))
      await setting
      expect(await textOf(await waiting)).toBe('first')
      for (let i = 0; i < 2; i++) expect(await textOf(await two.get('a', ['_N_T_/a']))).toBe('first')
      const before = entry('late')
      await nextMillisecond()
      await two.updateTags(['_N_T_/a'])
      expect(await two.get('a', ['_N_T_/a'])).toBeUndefined()
      expect(await textOf(await two.get('a', []))).toBe('first')
      expect(await two.getExpiration(['_N_T_/a'])).toBeGreaterThan(before.timestamp)
      await two.updateTags(['rates'])
      await two.set('a', Promise.resolve(before))
      expect(await two.get('a', [])).toBeUndefined()
      await expect.poll(() => one.get('a', [])).toBeUndefined()
    }),
  )
})

test("cacheHandlers for 'use cache': a stream that breaks off is not kept", async () => {
  await inProcess<UseCacheHandler>(1, new MemoryServer(), async (handler) => {
    const value = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new Uint8Array([1])),
      pull: (controller) => controller.error(new Error('broken')),
    })
    const entry = { value, tags: [], timestamp: Date.now(), stale: 1, expire: 300, revalidate: 60 }
    await handler.set('a', Promise.resolve(entry))
    expect(await handler.get('a', [])).toBeUndefined()
  })
})

async function textOf(entry: UseCacheEntry | undefined): Promise<string | undefined> {
  return entry && new Response(entry.value).text()
}

/** What is compared by time needs two times. */
async function nextMillisecond(): Promise<void> {
  const nowMs = Date.now()
  while (Date.now() === nowMs) await new Promise((resolve) => setTimeout(resolve, 1))
}
