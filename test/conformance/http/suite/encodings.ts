// Compression, by the cache and by others.
import { brotliDecompressSync, gunzipSync, gzipSync } from 'node:zlib'
import { expect } from 'vitest'
import { type HttpCase, Site } from './site.js'

const TEXT = 'a text that compresses well. '.repeat(100)
const headers = { 'cache-control': 'max-age=60', 'content-type': 'text/plain', etag: '"v1"' }

export const encodingCases: readonly HttpCase[] = [
  {
    name: 'the body is kept as it is, and each encoding is made once',
    async run(adapter) {
      const asked: unknown[] = []
      const handle = (request: { headers: Readonly<Record<string, unknown>> }) => {
        asked.push(request.headers['accept-encoding'])
        return { headers, body: TEXT }
      }
      await using site = await Site.open(adapter, { routes: [{ path: '/a', handle }] })
      await site.get('/a', { 'accept-encoding': 'br' })
      await site.settle()
      const loads = () => site.cache.stats().byPath['tiercache/http/encoded']?.loads ?? 0
      for (let i = 0; i < 3; i++) {
        const br = await site.get('/a', { 'accept-encoding': 'gzip, br' })
        expect([br.headers['content-encoding'], br.headers.vary, br.headers.etag]).toEqual([
          'br',
          'Accept-Encoding',
          'W/"v1"',
        ])
        expect(brotliDecompressSync(br.bytes).toString()).toBe(TEXT)
        expect(br.headers['content-length']).toBe(String(br.bytes.length))
        const gzip = await site.get('/a', { 'accept-encoding': 'br;q=0, gzip' })
        expect(gunzipSync(gzip.bytes).toString()).toBe(TEXT)
        const plain = await site.get('/a', { 'accept-encoding': 'identity' })
        expect([plain.body, plain.headers['content-encoding'], plain.headers.etag]).toEqual([TEXT, undefined, '"v1"'])
        expect((await site.get('/a')).body).toBe(TEXT)
      }
      expect((await site.get('/a', { 'accept-encoding': 'br', 'if-none-match': 'W/"v1"' })).status).toBe(304)
      // A part is one of the body as it is.
      expect((await site.get('/a', { 'accept-encoding': 'br', range: 'bytes=0-5' })).body).toBe('a text')
      expect([site.runs('/a'), asked]).toEqual([1, [undefined]])
      expect(loads()).toBe(2)
    },
  },
  {
    name: 'what is small, not text, or must not be transformed is not compressed',
    async run(adapter) {
      const routes = [
        { path: '/small', handle: () => ({ headers, body: 'small' }) },
        { path: '/image', handle: () => ({ headers: { ...headers, 'content-type': 'image/png' }, body: TEXT }) },
        {
          path: '/fixed',
          handle: () => ({ headers: { ...headers, 'cache-control': 'max-age=60, no-transform' }, body: TEXT }),
        },
      ]
      await using site = await Site.open(adapter, { routes })
      for (const { path } of routes) {
        await site.get(path)
        await site.settle()
        expect((await site.get(path, { 'accept-encoding': 'br' })).headers['content-encoding']).toBeUndefined()
        expect(site.runs(path)).toBe(1)
      }
    },
  },
  {
    name: 'what the handler has encoded is stored as it is, for those who accept it',
    async run(adapter) {
      const handle = (request: { headers: Readonly<Record<string, unknown>> }) =>
        request.headers['accept-encoding'] === 'gzip'
          ? { headers: { ...headers, 'content-encoding': 'gzip' }, body: gzipSync(TEXT) }
          : { headers: { ...headers, vary: 'Accept-Encoding' }, body: TEXT }
      await using site = await Site.open(adapter, { http: { compress: false }, routes: [{ path: '/a', handle }] })
      for (let i = 0; i < 2; i++) {
        expect(gunzipSync((await site.get('/a', { 'accept-encoding': 'gzip' })).bytes).toString()).toBe(TEXT)
        await site.settle()
        expect((await site.get('/a')).body).toBe(TEXT)
        await site.settle()
      }
      expect(site.runs('/a')).toBe(2)
    },
  },
]
