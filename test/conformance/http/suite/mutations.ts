// Requests that change something.
import { Cache } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { expect, vi } from 'vitest'
import { counting, type HttpCase, Site } from './site.js'

const FRESH = { 'cache-control': 'max-age=60' }
const done = () => ({ status: 204 })

export const mutationCases: readonly HttpCase[] = [
  {
    name: 'a mutation invalidates its URI with every query, and what Location and Content-Location name on the same host',
    async run(adapter) {
      const paths = ['/items', '/items/1', '/items/2', '/others']
      const handle = () => ({
        ...{ status: 201, body: 'made' },
        headers: { location: '/items/1', 'content-location': 'http://elsewhere.example/others' },
      })
      const routes = [
        ...paths.map((path) => ({ path, handle: counting(FRESH) })),
        { method: 'POST', path: '/items', handle },
      ]
      await using site = await Site.open(adapter, { routes })
      const targets = ['/items?page=1', '/items?page=2', '/items/1', '/items/2', '/others']
      for (const target of targets) await site.get(target)
      await site.settle()
      expect((await site.send('POST', '/items', { body: '{}' })).status).toBe(201)
      const bodies: string[] = []
      for (const target of targets) bodies.push((await site.get(target)).body)
      expect(bodies).toEqual(['run 4', 'run 5', 'run 2', 'run 1', 'run 1'])
    },
  },
  {
    name: 'a mutation invalidates tags: its own, and those that handlers gave their responses',
    async run(adapter) {
      const routes = [
        { path: '/listed', route: { tags: ['items'], ttl: '1m' as const }, handle: counting() },
        {
          path: '/said',
          route: { ttl: '1m' as const },
          handle: (request: { tag(tags: string): void }, run: number) => {
            request.tag('items')
            return { body: `run ${run}` }
          },
        },
        { path: '/other', route: { ttl: '1m' as const }, handle: counting() },
        { method: 'POST', path: '/change', invalidates: ['items', 'more'], handle: done },
      ]
      for (const everywhere of [true, false]) {
        await using site = await Site.open(adapter, { everywhere, routes })
        for (const path of ['/listed', '/said', '/other']) await site.get(path)
        await site.pass(1)
        await site.send('POST', '/change')
        const bodies: string[] = []
        for (const path of ['/listed', '/said', '/other']) bodies.push((await site.get(path)).body)
        expect(bodies).toEqual(['run 2', 'run 2', 'run 1'])
      }
    },
  },
  {
    name: 'the response of a mutation does not leave before what it changed is invalidated',
    async run(adapter) {
      for (const body of ['whole', undefined, 'parts']) {
        const gate = deferred<'applied'>()
        const invalidateTags = vi.spyOn(Cache.prototype, 'invalidateTags').mockImplementation(() => gate.promise)
        try {
          async function* parts() {
            yield 'par'
            yield 'ts'
          }
          const handle = () => (body === 'parts' ? { body: parts() } : { body: body ?? '' })
          await using site = await Site.open(adapter, { routes: [{ method: 'PUT', path: '/a', handle }] })
          let hasLeft = false
          const sent = site.open('/a', { method: 'PUT' }).then((response) => {
            hasLeft = true
            return response
          })
          await site.waitForRuns('/a', 1)
          await vi.waitFor(() => expect(invalidateTags).toHaveBeenCalled())
          await site.settleTurns(50)
          expect(hasLeft).toBe(false)
          gate.resolve('applied')
          const response = await sent
          const text = await new Response(response as never).text()
          expect(text).toBe(body ?? '')
        } finally {
          invalidateTags.mockRestore()
        }
      }
    },
  },
  {
    name: 'a GET that was on its way when its URI or tag was changed is not kept',
    async run(adapter) {
      for (const change of ['/a', '/change']) {
        const gate = deferred<void>()
        const handle = async (_: unknown, run: number) => {
          if (run === 1) await gate.promise
          return { headers: FRESH, body: `run ${run}` }
        }
        const routes = [
          { path: '/a', route: { tags: 'items' }, handle },
          { method: 'POST', path: '/a', handle: done },
          { method: 'POST', path: '/change', invalidates: 'items', handle: done },
        ]
        await using site = await Site.open(adapter, { routes })
        const early = site.get('/a')
        await site.waitForRuns('/a', 1)
        await site.send('POST', change)
        const runs = site.runs('/a')
        gate.resolve()
        expect((await early).body).toBe('run 1')
        await site.settle()
        expect((await site.get('/a')).body).toBe(`run ${runs + 1}`)
      }
    },
  },
  {
    name: 'a mutation that fails, or whose handler throws, invalidates nothing',
    async run(adapter) {
      let outcome: number | 'throws' = 400
      const handle = () => {
        if (outcome === 'throws') throw new Error('failed')
        return { status: outcome, body: 'no' }
      }
      const routes = [
        { path: '/a', route: { tags: 'items' }, handle: counting(FRESH) },
        { method: 'POST', path: '/change', invalidates: 'items', handle },
      ]
      await using site = await Site.open(adapter, { routes })
      await site.get('/a')
      await site.settle()
      for (outcome of [400, 409, 500, 'throws'] as const) {
        await site.send('POST', '/change')
        expect((await site.get('/a')).body).toBe('run 1')
      }
      outcome = 303
      await site.send('POST', '/change')
      expect((await site.get('/a')).body).toBe('run 2')
    },
  },
  {
    name: 'within hold after a mutation nothing that it changed is stored',
    async run(adapter) {
      const routes = [
        { path: '/a', handle: counting(FRESH) },
        { method: 'DELETE', path: '/a', handle: done },
      ]
      await using site = await Site.open(adapter, { http: { hold: '5s' }, routes })
      await site.send('DELETE', '/a')
      const before = site.runs('/a')
      for (let i = 1; i <= 2; i++) {
        expect((await site.get('/a')).body).toBe(`run ${before + i}`)
        await site.settle()
      }
      await site.pass(6000)
      for (let i = 0; i < 2; i++) {
        expect((await site.get('/a')).body).toBe(`run ${before + 3}`)
        await site.settle()
      }
    },
  },
  {
    name: 'an unknown method counts as a mutation, OPTIONS does not',
    async run(adapter) {
      const routes = [
        { path: '/a', handle: counting(FRESH) },
        { method: 'M-SEARCH', path: '/a', handle: done },
        { method: 'OPTIONS', path: '/a', handle: done },
      ]
      await using site = await Site.open(adapter, { routes })
      await site.get('/a')
      await site.settle()
      const before = site.runs('/a')
      await site.send('OPTIONS', '/a')
      expect((await site.get('/a')).headers['cache-status']).toContain('hit')
      await site.send('M-SEARCH', '/a')
      expect((await site.get('/a')).headers['cache-status']).not.toContain('hit')
      expect(before).toBeGreaterThan(0)
    },
  },
]
