// The HTTP cache without a framework: its options, its explanations, and what it does when the cache itself cannot.
import { type HttpCache, type HttpCacheOptions, type HttpRequest, httpCache } from 'tiercache/http'
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../support/leaves-nothing.js'

const { l1Only } = leavesNothing()

function requestFor(target: string, headers: HttpRequest['headers'] = {}, method = 'GET'): HttpRequest {
  return { method, target, headers: { host: 'shop.example', ...headers }, raw: {} }
}

/** Runs a handler for a request as an adapter does. */
async function respond(http: HttpCache, request: HttpRequest, headers: HttpRequest['headers'], body = 'body') {
  const exchange = await http.begin(request)
  if (exchange.kind === 'record') exchange.recording.whole({ status: 200, headers }, Buffer.from(body))
  await settle(50)
  return exchange
}

describe('options', () => {
  test.each<[Record<string, unknown>, string]>([
    [{ tll: '1m' }, 'Did you mean ttl?'],
    [{ ttl: '5 minutes' }, 'ttl'],
    [{ maxBody: -1 }, 'maxBody must be a whole number'],
    [{ per: 'user' }, 'per must be a function of the request'],
    [{ query: 'page' }, 'query must be an array of strings'],
    [{ tags: 7 }, 'tags must be'],
    [{ compress: ['zstd'] }, "compress must be 'br' or 'gzip'"],
    [{ compress: true }, 'compress must be an array'],
    [{ statusHeader: 'X-Cache' }, 'statusHeader must be'],
    [{ statusName: 'my cache' }, 'statusName must be a token'],
    [{ requestDirectives: false }, "requestDirectives must be 'honour' or 'ignore'"],
    [{ heuristic: 2 }, 'heuristic must be a number from 0 to 1'],
  ])('%j is refused', (options, message) => {
    const { cache } = l1Only()
    expect(() => httpCache(cache, options as HttpCacheOptions)).toThrow(message)
  })

  test('of a route are over those of the cache, and are checked, too', () => {
    const { cache } = l1Only()
    const http = httpCache(cache, { ttl: '1m', maxBody: 5 })
    expect(http.route({ ttl: '2m' })).toMatchObject({ defaults: { ttlMs: 120_000 }, maxBodyBytes: 5 })
    expect(http.route({ ttl: undefined })).toMatchObject({ defaults: { ttlMs: 60_000 } })
    expect(() => http.route({ prefix: 'x' } as never)).toThrow('route has no option "prefix"')
  })

  test('that are functions fail the request, since nobody else would notice', async () => {
    const { cache } = l1Only()
    const fails = () => {
      throw new Error('mistake')
    }
    expect(() => httpCache(cache, { per: fails }).begin(requestFor('/a'))).toThrow('mistake')
    await expect(httpCache(cache, { tags: fails }).begin(requestFor('/a'))).rejects.toThrow('mistake')
  })
})

describe('explain', () => {
  test('says what is stored, under which variant, and by which rule not', async () => {
    const { cache, clock } = l1Only()
    const http = httpCache(cache, { tags: 'items' })
    const request = requestFor('/a', { 'accept-language': 'de' })
    expect(await http.explain(request)).toMatchObject({
      key: 'anyone shop.example /a',
      stored: undefined,
      why: ['Nothing is stored.'],
    })
    await respond(http, request, { 'cache-control': 'max-age=60', vary: 'Accept-Language' })
    await clock.advance(5000)
    const explained = await http.explain(request)
    expect(explained).toMatchObject({
      variant: { names: ['accept-language'] },
      stored: { status: 200, ageMs: 5000, lifetimeMs: 60_000 },
    })
    expect(explained.why).toEqual(['The variant is selected by accept-language.'])
    expect(explained.entry?.l1).toMatchObject({ tags: expect.anything() })
    await respond(http, requestFor('/b'), { 'cache-control': 'max-age=60', 'set-cookie': 'a=b' })
    expect((await http.explain(requestFor('/b'))).why).toEqual([
      'The last response was not stored: set-cookie. The response sets a cookie, which belongs to one client.',
    ])
    await clock.advance(2000)
    const later = await http.explain(requestFor('/b'))
    expect([later.last, later.why[1]]).toEqual([
      'set-cookie',
      'The last response: set-cookie. The response sets a cookie, which belongs to one client.',
    ])
  })

  test('says why a request has no key, and whose key it has', async () => {
    const { cache } = l1Only()
    const http = httpCache(cache, { hosts: ['shop.example'], per: () => 7 })
    expect((await http.explain(requestFor('/a', { host: 'other.example' }))).why[0]).toContain('hosts')
    expect(await http.explain(requestFor('/a'))).toMatchObject({ key: 'user:7 shop.example /a' })
    const anyone = httpCache(cache, {})
    expect((await anyone.explain(requestFor('/a', { cookie: 'a=b' }))).why[0]).toContain('credentials')
    expect((await httpCache(cache, { skip: () => true }).explain(requestFor('/a'))).why).toEqual([
      'The option skip passes this request on.',
    ])
  })
})

test('once the cache is closed, requests are passed on', async () => {
  const { cache } = l1Only()
  const http = httpCache(cache, { ttl: '1m' })
  await cache.close()
  expect(await http.begin(requestFor('/a'))).toMatchObject({
    kind: 'pass',
    headers: { 'cache-status': 'tiercache;fwd=bypass;detail=closed' },
  })
  const mutate = await http.begin(requestFor('/a', {}, 'POST'))
  if (mutate.kind !== 'mutate') throw new Error('expected a mutation')
  await mutate.mutation.settle({ status: 200, headers: {} })
})

test('a response that varies by more than before is stored at the next request, and nothing outdated is found', async () => {
  const { cache, clock } = l1Only()
  const http = httpCache(cache)
  const varying = (vary: string) => ({ 'cache-control': 'max-age=60', vary })
  const german = requestFor('/a', { 'accept-language': 'de' })
  const english = requestFor('/a', { 'accept-language': 'en' })
  await respond(http, german, varying('Accept-Language'), 'de')
  await respond(http, english, varying('Accept-Language, X-Kind'), 'en')
  await clock.advance(2000)
  // The old variants belong to the old mark.
  expect((await respond(http, german, varying('Accept-Language, X-Kind'), 'de')).kind).toBe('record')
  expect((await http.begin(german)).kind).toBe('serve')
  expect(await http.explain(german)).toMatchObject({ variant: { names: ['accept-language', 'x-kind'] } })
})

test('an invalidation while the first variant is made leaves nothing behind', async () => {
  const { cache } = l1Only()
  const http = httpCache(cache, { tags: 'items' })
  const exchange = await http.begin(requestFor('/a'))
  if (exchange.kind !== 'record') throw new Error('expected a recording')
  await cache.invalidateTags('items')
  exchange.recording.whole(
    { status: 200, headers: { 'cache-control': 'max-age=60', vary: 'Accept-Language' } },
    Buffer.from('old'),
  )
  await settle(50)
  const again = await http.begin(requestFor('/a'))
  expect(again.kind).toBe('record')
  if (again.kind === 'record') again.recording.broken()
  await settle(50)
})
