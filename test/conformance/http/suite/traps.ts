// What must never be stored, or never be shared.
import { expect } from 'vitest'
import type { Reply } from '../app.js'
import { counting, type HttpCase, Site, statusOf } from './site.js'

const FRESH = { 'cache-control': 'max-age=60' }

/** Asks twice with the same headers and expects two runs, or one. */
async function asks(site: Site, target: string, headers: Record<string, string> = {}): Promise<number> {
  const [path = ''] = target.split('?')
  const before = site.runs(path)
  await site.get(target, headers)
  await site.settle()
  await site.get(target, headers)
  await site.pass(2000)
  return site.runs(path) - before
}

export const trapCases: readonly HttpCase[] = [
  {
    name: 'a response to Authorization is stored only if it says public, s-maxage or must-revalidate',
    async run(adapter) {
      const said = [
        'max-age=60',
        'max-age=60, public',
        's-maxage=60',
        'max-age=60, must-revalidate',
        'MAX-AGE=60, PUBLIC',
      ]
      const routes = said.map((value, i) => ({ path: `/${i}`, handle: counting({ 'cache-control': value }) }))
      await using site = await Site.open(adapter, { http: { ttl: '1m' }, routes })
      const runs: number[] = []
      for (const { path } of routes) runs.push(await asks(site, path, { authorization: 'Bearer a' }))
      expect(runs).toEqual([2, 1, 1, 1, 1])
    },
  },
  {
    name: 'a response to cookies or to an API key is stored only if it says that it is for everybody',
    async run(adapter) {
      const routes = [
        { path: '/own', handle: counting(FRESH) },
        { path: '/public', handle: counting({ 'cache-control': 'public, max-age=60' }) },
      ]
      await using site = await Site.open(adapter, { routes })
      for (const headers of [{ cookie: 'a=1' }, { 'x-api-key': 'k' }] as Record<string, string>[]) {
        expect(await asks(site, '/own', headers)).toBe(2)
        expect(await asks(site, '/public', headers)).toBeLessThan(2)
      }
      // Nor does a client with credentials get what was made for one without.
      expect(await asks(site, '/own')).toBe(1)
      expect((await site.get('/own', { cookie: 'a=1' })).headers['cache-status']).not.toContain('hit')
      // What is for everybody is for everybody.
      const before = site.runs('/public')
      await site.get('/public')
      expect(site.runs('/public')).toBe(before)
    },
  },
  {
    name: 'with per, each user has responses of its own, private ones, too',
    async run(adapter) {
      const per = ({ headers }: { headers: Readonly<Record<string, unknown>> }) =>
        headers['x-user'] as string | undefined
      const handle = ({ headers }: { headers: Readonly<Record<string, unknown>> }, run: number) => ({
        headers: { 'cache-control': 'private, max-age=60' },
        body: `${headers['x-user'] ?? 'nobody'} ${run}`,
      })
      for (const everywhere of [true, false]) {
        await using site = await Site.open(adapter, { everywhere, routes: [{ path: '/me', route: { per }, handle }] })
        const get = async (user: string) => (await site.get('/me', { 'x-user': user, cookie: `u=${user}` })).body
        expect(await get('ann')).toBe('ann 1')
        await site.settle()
        expect(await get('bob')).toBe('bob 2')
        await site.settle()
        expect([await get('ann'), await get('bob'), await get('a nn')]).toEqual(['ann 1', 'bob 2', 'a nn 3'])
        // Before the authentication nobody is known: nothing private is stored.
        expect(await asks(site, '/me', { cookie: 'u=ann' })).toBe(2)
      }
    },
  },
  {
    name: 'private, no-store, Set-Cookie, and what varies by everybody are not stored',
    async run(adapter) {
      const headers: Reply['headers'][] = [
        { 'cache-control': 'private, max-age=60' },
        { 'cache-control': 'No-Store, max-age=60' },
        { ...FRESH, 'cache-control': 'public, max-age=60', 'set-cookie': 'a=b' },
        { ...FRESH, vary: '*' },
        { ...FRESH, vary: 'Accept, cookie' },
        { ...FRESH, vary: 'User-Agent' },
        { ...FRESH, vary: 'Authorization' },
        { 'cache-control': 'max-age=0' },
        { 'cache-control': 'max-age=60', age: '70' },
        { expires: '0' },
      ]
      const routes = headers.map((each, i) => ({ path: `/${i}`, handle: counting(each) }))
      await using site = await Site.open(adapter, { http: { ttl: '1m' }, routes })
      const runs: number[] = []
      for (const { path } of routes) runs.push(await asks(site, path))
      expect(runs).toEqual(headers.map(() => 2))
    },
  },
  {
    name: 'variants are told apart by what Vary names, normalised, and there are only so many of them',
    async run(adapter) {
      const handle = ({ headers }: { headers: Readonly<Record<string, unknown>> }, run: number) => ({
        headers: { ...FRESH, vary: 'Accept-Language, X-Kind' },
        body: `${headers['accept-language'] ?? ''} ${headers['x-kind'] ?? ''} ${run}`,
      })
      await using site = await Site.open(adapter, { http: { maxVariants: 3 }, routes: [{ path: '/a', handle }] })
      const get = async (headers: Record<string, string>) => {
        const { body } = await site.get('/a', headers)
        await site.settle()
        return body
      }
      expect(await get({ 'accept-language': 'de, en' })).toBe('de, en  1')
      expect(await get({ 'accept-language': 'EN,de' })).toBe('de, en  1')
      expect(await get({ 'accept-language': 'en;q=0.5, de' })).toBe('en;q=0.5, de  2')
      expect(await get({ 'x-kind': 'x' })).toBe(' x 3')
      expect(await get({ 'x-kind': '' })).toBe('  4')
      expect(await get({ 'x-kind': 'x' })).toBe(' x 3')
      expect(await get({ 'accept-language': 'de, en' })).toBe('de, en  1')
      await site.pass(2000)
      expect(await get({ 'x-kind': '' })).toBe('  5')
      // A mutation is for all variants.
      await site.send('POST', '/a')
    },
  },
  {
    name: 'headers of the connection, and those that Connection lists, are not stored',
    async run(adapter) {
      const headers = {
        ...FRESH,
        connection: 'x-hop',
        'x-hop': '1',
        'keep-alive': 'timeout=9',
        'proxy-authenticate': 'Basic',
        'x-kept': '2',
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle: counting(headers) }] })
      await site.get('/a')
      await site.settle()
      const got = await site.get('/a')
      expect(got.headers).toMatchObject({ 'x-kept': '2' })
      expect([got.headers['x-hop'], got.headers['proxy-authenticate']]).toEqual([undefined, undefined])
      expect(site.runs('/a')).toBe(1)
    },
  },
  {
    name: 'a forged X-Forwarded-Host reaches nobody else, and hosts that are not allowed are not stored',
    async run(adapter) {
      const handle = ({ headers }: { headers: Readonly<Record<string, unknown>> }) => ({
        headers: FRESH,
        body: `link to ${headers['x-forwarded-host'] ?? headers['x-original-url'] ?? headers.host}`,
      })
      const routes = [{ path: '/a', handle }]
      await using site = await Site.open(adapter, { routes })
      for (const forged of ['x-forwarded-host', 'x-original-url', 'x-host', 'x-forwarded-proto']) {
        await site.get('/a', { [forged]: 'evil.example' })
        await site.settle()
        expect((await site.get('/a')).body).toBe(`link to ${site.host}`)
      }
      await site.get('/a', { forwarded: 'for=1.2.3.4;host=evil.example' })
      expect(await asks(site, '/a', { host: 'other.example' })).toBe(1)
      await using strict = await Site.open(adapter, { http: { hosts: ['shop.example'] }, routes })
      expect(await asks(strict, '/a', { host: 'shop.example' })).toBe(1)
      expect(await asks(strict, '/a', { host: 'other.example' })).toBe(2)
      expect(await asks(strict, '/a', { host: 'shop.example', 'x-forwarded-host': 'evil.example' })).toBe(2)
      expect(await asks(strict, '/a', { host: 'shop.example', forwarded: 'host=evil.example' })).toBe(2)
    },
  },
  {
    name: 'a reflected Origin without Vary is not stored, and with it each origin has its own',
    async run(adapter) {
      const reflecting =
        (vary: Reply['headers']) =>
        ({ headers }: { headers: Readonly<Record<string, unknown>> }) => ({
          headers: { ...FRESH, ...vary, 'access-control-allow-origin': String(headers.origin) },
          body: String(headers.origin),
        })
      const routes = [
        { path: '/silent', handle: reflecting({}) },
        { path: '/varies', handle: reflecting({ vary: 'Origin' }) },
      ]
      await using site = await Site.open(adapter, { routes })
      expect(await asks(site, '/silent', { origin: 'https://a.example' })).toBe(2)
      expect(await asks(site, '/varies', { origin: 'https://a.example' })).toBe(1)
      expect((await site.get('/varies', { origin: 'https://b.example' })).body).toBe('https://b.example')
    },
  },
  {
    name: 'every parameter is part of the key, in any order, or those that are named; a token among the others is a credential',
    async run(adapter) {
      const handle = ({ url }: { url: string }, run: number) => ({ headers: FRESH, body: `${url} ${run}` })
      const routes = [{ path: '/a', handle }]
      await using all = await Site.open(adapter, { routes })
      const get = async (site: Site, target: string) => {
        const { body } = await site.get(target)
        await site.settle()
        return body
      }
      expect(await get(all, '/a?x=1&y=2')).toBe('/a?x=1&y=2 1')
      expect(await get(all, '/a?y=2&x=1')).toBe('/a?x=1&y=2 1')
      expect(await get(all, '/a?x=2&y=1')).toBe('/a?x=2&y=1 2')
      expect(await get(all, '/a?y=1&y=2')).toBe('/a?y=1&y=2 3')
      expect(await get(all, '/a?y=2&y=1')).toBe('/a?y=2&y=1 4')
      expect(statusOf(await all.get(`/a?${'x&'.repeat(200)}`))).toBe('tiercache;fwd=bypass;detail=uri-too-long')
      await using named = await Site.open(adapter, { http: { query: ['page'] }, routes })
      expect(await get(named, '/a?page=1&utm=x')).toBe('/a?page=1&utm=x 1')
      expect(await get(named, '/a?utm=y&page=1')).toBe('/a?page=1&utm=x 1')
      expect(await get(named, '/a?page=1&token=secret')).toBe('/a?page=1&token=secret 2')
      expect(await get(named, '/a?page=1&access_token=other')).toBe('/a?page=1&access_token=other 3')
      expect(await get(named, '/a?page=1')).toBe('/a?page=1&utm=x 1')
    },
  },
  {
    name: 'nothing is stored whose Content-Encoding and bytes disagree',
    async run(adapter) {
      const text = { ...FRESH, 'content-type': 'text/plain' }
      const routes = [
        { path: '/claims', handle: () => ({ headers: { ...text, 'content-encoding': 'gzip' }, body: 'plain' }) },
        { path: '/brotli', handle: () => ({ headers: { ...text, 'content-encoding': 'br' }, body: 'plain' }) },
        { path: '/hides', handle: () => ({ headers: text, body: Buffer.from([0x1f, 0x8b, 8, 0]) }) },
      ]
      await using site = await Site.open(adapter, { routes })
      for (const { path } of routes) expect(await asks(site, path)).toBe(2)
    },
  },
  {
    name: 'headers that a middleware around the cache sets are not stored: each response has its own',
    async run(adapter) {
      let id = 0
      // The getter is called for each response.
      const outer = {
        get 'x-request-id'() {
          return String(++id)
        },
      }
      await using site = await Site.open(adapter, {
        routes: [{ path: '/a', handle: counting(FRESH) }],
        outerHeaders: outer,
      })
      const first = await site.get('/a')
      await site.settle()
      const second = await site.get('/a')
      expect([second.body, first.headers['x-request-id'], second.headers['x-request-id']]).toEqual(['run 1', '1', '2'])
    },
  },
  {
    name: 'headers that a middleware has set before the handler count, such as no-store',
    async run(adapter) {
      const routes = [{ path: '/a', handle: counting() }]
      const outerHeaders = { 'cache-control': 'no-store' }
      await using site = await Site.open(adapter, { http: { ttl: '1m' }, routes, outerHeaders })
      expect(await asks(site, '/a')).toBe(2)
    },
  },
  {
    name: 'skip passes requests on, and so do preconditions, bodies and upgrades',
    async run(adapter) {
      const http = { skip: ({ url }: { url?: string }) => url?.startsWith('/admin') === true } as never
      const routes = [
        { path: '/admin', handle: counting(FRESH) },
        { path: '/a', handle: counting(FRESH) },
      ]
      await using site = await Site.open(adapter, { http, routes })
      expect(await asks(site, '/admin')).toBe(2)
      expect(await asks(site, '/a', { 'if-match': '"x"' })).toBe(2)
      expect(statusOf(await site.get('/a', { 'if-unmodified-since': 'x' }))).toBe('tiercache;fwd=bypass')
      expect(statusOf(await site.send('GET', '/a', { body: 'x', headers: { 'content-length': '1' } }))).toBe(
        'tiercache;fwd=bypass',
      )
    },
  },
  {
    name: 'what expireTags has expired is served only if the handler fails',
    async run(adapter) {
      const headers = { 'cache-control': 'max-age=60, stale-while-revalidate=60, stale-if-error=60' }
      let isDown = false
      const handle = (_: unknown, run: number) => (isDown ? { status: 500, body: '' } : { headers, body: `run ${run}` })
      await using site = await Site.open(adapter, { routes: [{ path: '/a', route: { tags: 't' }, handle }] })
      await site.get('/a')
      await site.pass(1)
      await site.cache.expireTags('t')
      expect((await site.get('/a')).body).toBe('run 2')
      await site.pass(1)
      isDown = true
      await site.cache.expireTags('t')
      expect((await site.get('/a')).body).toBe('run 2')
    },
  },
]
