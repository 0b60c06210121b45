// A request scope lasts as long as its request: within it a key is read once, and it ends when the response is over or the client has left.
import { AsyncResource } from 'node:async_hooks'
import type { Cache } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { expect } from 'vitest'
import type { AppRequest, Reply } from '../app.js'
import { nextPart } from './client.js'
import { type HttpCase, Site } from './site.js'

const FRESH = { 'cache-control': 'max-age=60' }
const SCOPED = { requestScope: true } as const
/** Work of another request: a scope does not see its changes. */
const outside = new AsyncResource('another request')

/** Opens a site whose handlers get the cache. */
async function open(
  adapter: Parameters<HttpCase['run']>[0],
  handle: (cache: Cache, request: AppRequest) => Reply | Promise<Reply>,
  { method, http = SCOPED }: { method?: string; http?: { requestScope: boolean } } = {},
): Promise<Site & { change(value: number): Promise<unknown> }> {
  const holder: { site?: Site } = {}
  const cacheOf = () => (holder.site as Site).cache
  const route = { path: '/a', ...(method && { method }), handle: (request: AppRequest) => handle(cacheOf(), request) }
  const site = await Site.open(adapter, { http, routes: [route] })
  holder.site = site
  await site.cache.set('rate', 1)
  const change = (value: number) => outside.runInAsyncScope(() => cacheOf().set('rate', value))
  return Object.assign(site, { change })
}

/** Reads before and after `meanwhile`, deep in asynchronous work. */
async function readTwice(cache: Cache, meanwhile: () => unknown): Promise<string> {
  const before = await cache.get('rate')
  await new Promise((resolve) => setImmediate(resolve))
  await meanwhile()
  const [after] = await Promise.all([Promise.resolve().then(() => cache.get('rate'))])
  return `${before} ${after}`
}

export const scopeCases: readonly HttpCase[] = [
  {
    name: 'within a request a key keeps its value, whether the response is recorded or not',
    async run(adapter) {
      let value = 1
      for (const headers of [FRESH, { 'cache-control': 'no-store' }]) {
        await using site = await open(adapter, async (cache) => ({
          headers,
          body: await readTwice(cache, () => site.change(++value)),
        }))
        expect((await site.get('/a')).body).toBe('1 1')
        const now = String(value)
        if (headers !== FRESH) expect((await site.get('/a')).body).toBe(`${now} ${now}`)
        expect(await site.cache.get('rate')).toBe(value)
      }
    },
  },
  {
    name: 'a mutation has a scope, too, and sees its own changes',
    async run(adapter) {
      const handle = async (cache: Cache) => {
        const others = await readTwice(cache, () => site.change(2))
        await cache.set('rate', 3)
        return { body: `${others} ${await cache.get('rate')}` }
      }
      await using site = await open(adapter, handle, { method: 'POST' })
      expect((await site.send('POST', '/a')).body).toBe('1 1 3')
    },
  },
  {
    name: 'without the option there is no scope',
    async run(adapter) {
      const handle = async (cache: Cache) => ({ body: await readTwice(cache, () => site.change(2)) })
      await using site = await open(adapter, handle, { http: { requestScope: false } })
      expect((await site.get('/a')).body).toBe('1 2')
    },
  },
  {
    name: 'a response that streams is made in the scope of its request',
    async run(adapter) {
      for (const headers of [FRESH, { 'cache-control': 'no-store' }]) {
        const reads: unknown[] = []
        async function* body(cache: Cache) {
          reads.push(await cache.get('rate'))
          yield 'one '
          await site.change(2)
          // The client has the first part now, and reads on.
          await site.settleTurns(5)
          reads.push(await cache.get('rate'))
          yield 'two '
          reads.push(await cache.get('rate'))
        }
        await using site = await open(adapter, (cache) => ({ headers, body: body(cache) }))
        expect((await site.get('/a')).body).toBe('one two ')
        expect(reads).toEqual([1, 1, 1])
      }
    },
  },
  {
    name: 'a scope ends with its response, or when its client has left, or its handler has failed',
    async run(adapter) {
      const late = deferred<void>()
      const reads: Promise<unknown>[] = []
      const handle = async (cache: Cache, { url }: AppRequest): Promise<Reply> => {
        await cache.get('rate')
        // Work that outlasts its request, as it should not.
        reads.push(late.promise.then(() => cache.get('rate')))
        if (url.endsWith('fails')) throw new Error('caught')
        const endless = (async function* () {
          yield 'one '
          await late.promise
        })()
        return { headers: { 'cache-control': 'no-store' }, body: url.endsWith('endless') ? endless : 'done' }
      }
      await using site = await open(adapter, handle)
      await site.get('/a')
      await site.get('/a?fails')
      const response = await site.open('/a?endless')
      response.on('error', () => undefined)
      response.destroy()
      await site.settleTurns(20)
      await site.change(2)
      late.resolve()
      expect(await Promise.all(reads)).toEqual([2, 2, 2])
    },
  },
  {
    name: 'a client that leaves does not end the scope of a handler that goes on for others',
    async run(adapter) {
      const started = deferred<void>()
      const gate = deferred<void>()
      const handle = async (cache: Cache) => {
        const before = await cache.get('rate')
        started.resolve()
        await gate.promise
        return { headers: FRESH, body: `${before} ${await cache.get('rate')}` }
      }
      await using site = await open(adapter, handle)
      const controller = new AbortController()
      const leader = fetch(site.urlOf('/a'), { signal: controller.signal }).catch(() => undefined)
      await started.promise
      const waiting = site.get('/a')
      await site.settleTurns(20)
      controller.abort()
      await leader
      await site.settleTurns(20)
      await site.change(2)
      gate.resolve()
      expect((await waiting).body).toBe('1 1')
    },
  },
  {
    name: 'a client that leaves while a response streams does not end the scope in which it is made for others',
    async run(adapter) {
      const gate = deferred<void>()
      async function* body(cache: Cache) {
        yield `${await cache.get('rate')} `
        await gate.promise
        yield `${await cache.get('rate')} `
        yield String(await cache.get('rate'))
      }
      await using site = await open(adapter, (cache) => ({ headers: FRESH, body: body(cache) }))
      const leader = await site.open('/a')
      leader.on('error', () => undefined)
      await nextPart(leader)
      const waiting = site.get('/a')
      await site.settleTurns(20)
      leader.destroy()
      await site.settleTurns(20)
      await site.change(2)
      gate.resolve()
      expect((await waiting).body).toBe('1 1 1')
    },
  },
  {
    name: 'a refresh in the background has a scope of its own',
    async run(adapter) {
      const reads: string[] = []
      const handle = async (cache: Cache) => {
        const read = await readTwice(cache, () => site.change(reads.length + 2))
        reads.push(read)
        return { headers: { 'cache-control': 'max-age=1, stale-while-revalidate=60' }, body: read }
      }
      await using site = await open(adapter, handle)
      await site.get('/a')
      await site.pass(2000)
      expect((await site.get('/a')).body).toBe('1 1')
      await site.waitForRuns('/a', 2)
      await site.settle()
      expect(reads).toEqual(['1 1', '2 2'])
    },
  },
]
