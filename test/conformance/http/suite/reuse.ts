// What a stored response is used for: hits, conditional requests, ranges, directives of the client, stale responses.
import { expect } from 'vitest'
import { counting, type HttpCase, Site, statusOf } from './site.js'

const FRESH = { 'cache-control': 'max-age=60', 'content-type': 'text/plain' }

export const reuseCases: readonly HttpCase[] = [
  {
    name: 'a response with a lifetime is served again, with its age, without its handler',
    async run(adapter) {
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting(FRESH) }] })
      const first = await site.get('/a')
      expect([first.status, first.body, statusOf(first)]).toEqual([200, 'run 1', 'tiercache;fwd=uri-miss;stored'])
      await site.pass(5000)
      const second = await site.get('/a')
      expect([second.status, second.body, statusOf(second)]).toEqual([200, 'run 1', 'tiercache;hit;ttl=55'])
      expect(second.headers).toMatchObject({
        age: '5',
        'content-type': 'text/plain',
        'content-length': '5',
        date: first.headers.date,
      })
      await site.pass(56_000)
      expect((await site.get('/a')).body).toBe('run 2')
    },
  },
  {
    name: 'the option ttl is for responses that say nothing and are no error, and a directive of the handler comes first',
    async run(adapter) {
      const errors = (status: number) => () => ({ status, body: 'none' })
      const routes = [
        { path: '/says-nothing', handle: counting() },
        { path: '/says-more', handle: counting({ 'cache-control': 'max-age=100' }) },
        { path: '/says-shared', handle: counting({ 'cache-control': 'max-age=1, s-maxage=100' }) },
        { path: '/missing', handle: errors(404) },
        { path: '/failing', handle: errors(500) },
      ]
      await using site = await Site.open(adapter, { http: { ttl: '10s' }, routes })
      for (const { path } of routes) await site.get(path)
      await site.pass(9000)
      for (const { path } of routes) await site.get(path)
      expect(routes.map(({ path }) => site.runs(path))).toEqual([1, 1, 1, 2, 2])
      await site.pass(11_000)
      for (const { path } of routes) await site.get(path)
      expect(routes.map(({ path }) => site.runs(path))).toEqual([2, 1, 1, 3, 3])
    },
  },
  {
    name: 'without a lifetime nothing is stored',
    async run(adapter) {
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting() }] })
      expect(statusOf(await site.get('/a'))).toBe('tiercache;fwd=uri-miss;detail=no-lifetime')
      await site.pass(2000)
      expect((await site.get('/a')).body).toBe('run 2')
    },
  },
  {
    name: 'HEAD is answered from a stored GET, and else by the handler',
    async run(adapter) {
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting(FRESH) }] })
      expect((await site.send('HEAD', '/a')).body).toBe('')
      await site.get('/a')
      await site.settle()
      const head = await site.send('HEAD', '/a')
      expect([head.status, head.body, head.headers['content-length']]).toEqual([200, '', '5'])
      expect(site.runs('/a')).toBe(2)
    },
  },
  {
    name: 'a client that has the response gets 304, by an ETag that is made where there is none, or by the date',
    async run(adapter) {
      const dated = { ...FRESH, 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }
      const routes = [
        { path: '/a', handle: counting(FRESH) },
        { path: '/own', handle: counting({ ...FRESH, etag: '"v1"' }) },
        { path: '/dated', handle: counting(dated) },
      ]
      await using site = await Site.open(adapter, { routes })
      const { etag = '' } = (await site.get('/a')).headers
      expect(etag).toMatch(/^"[\w-]+"$/)
      await site.settle()
      for (const value of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
        const got = await site.get('/a', { 'if-none-match': value })
        expect([got.status, got.body, got.headers.etag]).toEqual([304, '', etag])
      }
      expect((await site.get('/a', { 'if-none-match': '"other"' })).status).toBe(200)
      // The run that fills the entry gives its client a 304, too, and stores the whole.
      expect((await site.get('/own', { 'if-none-match': '"v1"' })).status).toBe(304)
      await site.settle()
      expect((await site.get('/own')).body).toBe('run 1')
      await site.get('/dated')
      await site.settle()
      expect((await site.get('/dated', { 'if-modified-since': 'Thu, 02 Jan 2020 00:00:00 GMT' })).status).toBe(304)
      expect((await site.get('/dated', { 'if-modified-since': 'Tue, 31 Dec 2019 00:00:00 GMT' })).status).toBe(200)
      // If-None-Match comes first.
      const both = { 'if-none-match': '"x"', 'if-modified-since': 'Thu, 02 Jan 2020 00:00:00 GMT' }
      expect((await site.get('/dated', both)).status).toBe(200)
    },
  },
  {
    name: 'a range is cut from a whole entry, and a handler that answers with a part is not stored',
    async run(adapter) {
      const routes = [
        { path: '/a', handle: () => ({ headers: { ...FRESH, etag: '"v"' }, body: '0123456789' }) },
        {
          path: '/part',
          handle: () => ({ status: 206, headers: { ...FRESH, 'content-range': 'bytes 0-1/9' }, body: '01' }),
        },
      ]
      await using site = await Site.open(adapter, { routes })
      expect((await site.get('/a', { range: 'bytes=0-1' })).status).toBe(200)
      await site.get('/a')
      await site.settle()
      const runs = site.runs('/a')
      const cut = async (range: string, more = {}) => {
        const { status, body, headers } = await site.get('/a', { range, ...more })
        return [status, body, headers['content-range']]
      }
      expect(await cut('bytes=2-4')).toEqual([206, '234', 'bytes 2-4/10'])
      expect(await cut('bytes=7-')).toEqual([206, '789', 'bytes 7-9/10'])
      expect(await cut('bytes=-3')).toEqual([206, '789', 'bytes 7-9/10'])
      expect(await cut('bytes=5-99')).toEqual([206, '56789', 'bytes 5-9/10'])
      expect(await cut('bytes=10-')).toEqual([416, '', 'bytes */10'])
      expect(await cut('bytes=0-1,3-4')).toEqual([200, '0123456789', undefined])
      expect(await cut('bytes=0-1', { 'if-range': '"v"' })).toEqual([206, '01', 'bytes 0-1/10'])
      expect(await cut('bytes=0-1', { 'if-range': '"w"' })).toEqual([200, '0123456789', undefined])
      expect(site.runs('/a')).toBe(runs)
      for (let i = 0; i < 2; i++) expect((await site.get('/part')).status).toBe(206)
      expect(site.runs('/part')).toBe(2)
    },
  },
  {
    name: 'directives of the client count: no-cache, no-store, max-age, min-fresh, max-stale, only-if-cached',
    async run(adapter) {
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting(FRESH) }] })
      const ask = async (cacheControl: string) => (await site.get('/a', { 'cache-control': cacheControl })).body
      expect((await site.get('/a', { 'cache-control': 'only-if-cached' })).status).toBe(504)
      expect(await ask('no-store')).toBe('run 1')
      await site.settle()
      expect((await site.get('/a')).body).toBe('run 2')
      await site.pass(30_000)
      expect(await ask('only-if-cached')).toBe('run 2')
      expect(await ask('max-age=40')).toBe('run 2')
      expect(await ask('MIN-FRESH=20')).toBe('run 2')
      expect(await ask('max-age=20')).toBe('run 3')
      await site.pass(30_000)
      expect(await ask('min-fresh=50')).toBe('run 4')
      await site.settle()
      expect(await ask('no-cache')).toBe('run 5')
      await site.settle()
      expect((await site.get('/a', { pragma: 'no-cache' })).body).toBe('run 6')
      await site.settle()
      expect((await site.get('/a')).body).toBe('run 6')
    },
  },
  {
    name: 'directives of the client can be ignored',
    async run(adapter) {
      const http = { requestDirectives: 'ignore' } as const
      await using site = await Site.open(adapter, { http, routes: [{ path: '/a', handle: counting(FRESH) }] })
      await site.get('/a')
      await site.settle()
      expect((await site.get('/a', { 'cache-control': 'no-cache' })).body).toBe('run 1')
    },
  },
  {
    name: 'within stale-while-revalidate a stale response is served at once, and one run of the handler refreshes it',
    async run(adapter) {
      const headers = { 'cache-control': 'max-age=10, stale-while-revalidate=60' }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting(headers) }] })
      await site.get('/a')
      await site.pass(15_000)
      const stale = await site.get('/a')
      expect([stale.body, statusOf(stale)]).toEqual(['run 1', 'tiercache;hit;ttl=-5;detail=stale-while-revalidate'])
      await site.settle()
      expect((await site.get('/a')).body).toBe('run 2')
      expect(site.runs('/a')).toBe(2)
    },
  },
  {
    name: 'a refresh that streams its response, or fails, is recorded without a client',
    async run(adapter) {
      const headers = { 'cache-control': 'max-age=10, stale-while-revalidate=60, stale-if-error=600' }
      async function* parts(run: number) {
        yield 'run '
        yield String(run)
      }
      const handle = (_: unknown, run: number) => {
        if (run === 3) throw new Error('failed')
        return { headers, body: parts(run) }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      await site.get('/a')
      await site.pass(15_000)
      expect((await site.get('/a')).body).toBe('run 1')
      await site.pass(5000)
      expect((await site.get('/a')).body).toBe('run 2')
      await site.pass(10_000)
      expect((await site.get('/a')).body).toBe('run 2')
      await site.settle()
      expect(site.runs('/a')).toBe(3)
      expect((await site.get('/a')).body).toBe('run 2')
    },
  },
  {
    name: 'within stale-if-error a failing handler is covered by the stale response, and is not asked by every request',
    async run(adapter) {
      const headers = { 'cache-control': 'max-age=10, stale-if-error=60' }
      let failure: 'status' | 'throws' | undefined
      const handle = (_: unknown, run: number) => {
        if (failure === 'throws') throw new Error('failed')
        return failure === 'status' ? { status: 503, body: 'down' } : { headers, body: `run ${run}` }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      await site.get('/a')
      await site.pass(15_000)
      failure = 'status'
      const stale = await site.get('/a')
      expect([stale.status, stale.body]).toEqual([200, 'run 1'])
      expect(statusOf(stale)).toBe('tiercache;fwd=stale;fwd-status=503;ttl=-5;detail=stale-if-error')
      await site.settle()
      for (let i = 0; i < 3; i++) expect((await site.get('/a')).body).toBe('run 1')
      expect(site.runs('/a')).toBe(2)
      await site.pass(2000)
      failure = 'throws'
      expect((await site.get('/a')).body).toBe('run 1')
      expect(site.runs('/a')).toBe(3)
      await site.pass(60_000)
      expect((await site.get('/a')).status).toBe(500)
    },
  },
  {
    name: 'what must be revalidated is never served stale',
    async run(adapter) {
      for (const directive of ['must-revalidate', 'proxy-revalidate', 's-maxage=10']) {
        const headers = { 'cache-control': `max-age=10, stale-if-error=600, stale-while-revalidate=600, ${directive}` }
        const handle = (_: unknown, run: number) =>
          run === 1 ? { headers, body: 'run 1' } : { status: 503, body: 'down' }
        await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
        await site.get('/a')
        await site.pass(15_000)
        expect((await site.get('/a')).status).toBe(503)
      }
    },
  },
  {
    name: 'a handler can confirm a stale response with 304, by the ETag or the date that it gave itself',
    async run(adapter) {
      const asked: unknown[] = []
      const validators = { etag: '"v1"', 'last-modified': 'Wed, 01 Jan 2020 00:00:00 GMT' }
      const handle = ({ headers }: { headers: Readonly<Record<string, unknown>> }, run: number) => {
        asked.push(headers['if-none-match'], headers['if-modified-since'])
        const more = { 'cache-control': 'max-age=10', 'x-run': String(run) }
        return run === 1 ? { headers: { ...validators, ...more }, body: 'whole' } : { status: 304, headers: more }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      // The condition of the client is for the client: the handler must make the whole.
      await site.get('/a', { 'if-none-match': '"old"' })
      await site.pass(15_000)
      const renewed = await site.get('/a')
      expect([renewed.status, renewed.body, renewed.headers['x-run']]).toEqual([200, 'whole', '2'])
      expect(statusOf(renewed)).toBe('tiercache;fwd=stale;fwd-status=304;stored')
      expect(asked).toEqual([undefined, undefined, '"v1"', validators['last-modified']])
      await site.pass(5000)
      expect((await site.get('/a')).headers).toMatchObject({ age: '5', 'x-run': '2' })
    },
  },
  {
    name: 'the header that says how a response was come by can be another one, or none',
    async run(adapter) {
      const routes = [{ path: '/a', handle: counting(FRESH) }]
      await using both = await Site.open(adapter, {
        http: { statusHeader: ['Cache-Status', 'X-Cache-Status'], statusName: 'shop' },
        routes,
      })
      expect((await both.get('/a')).headers).toMatchObject({
        'cache-status': 'shop;fwd=uri-miss;stored',
        'x-cache-status': 'MISS',
      })
      await both.settle()
      expect((await both.get('/a')).headers).toMatchObject({ 'x-cache-status': 'HIT' })
      await using none = await Site.open(adapter, { http: { statusHeader: false }, routes })
      expect((await none.get('/a')).headers).not.toHaveProperty('cache-status')
    },
  },
]
