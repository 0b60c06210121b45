// The rules of HTTP caching as pure functions, section by section.
import { describe, expect, test } from 'vitest'
import { directivesOf, requestDirectivesOf, secondsOf } from '../../../src/http/rules/cache-control.js'
import { formatCacheStatus, formatXCacheStatus } from '../../../src/http/rules/cache-status.js'
import { isNotModified, rangeApplies } from '../../../src/http/rules/conditions.js'
import { formatDate, parseDate } from '../../../src/http/rules/dates.js'
import { isCompressible, isEncodedAsClaimed, preferredEncoding } from '../../../src/http/rules/encodings.js'
import { membersOf } from '../../../src/http/rules/fields.js'
import { lifeOf } from '../../../src/http/rules/freshness.js'
import { rangeOf } from '../../../src/http/rules/ranges.js'
import { allowsStale, worthOf } from '../../../src/http/rules/reuse.js'
import { isHeuristicallyCacheable, isNonError, isSafe } from '../../../src/http/rules/status.js'
import { refusalOf } from '../../../src/http/rules/storable.js'
import { storedFields, updatedFields } from '../../../src/http/rules/stored-fields.js'
import { selectingValues, varyNames } from '../../../src/http/rules/vary.js'

const NOW = Date.UTC(2026, 10, 30, 12)
const cc = (value: string) => directivesOf({ 'cache-control': value })

describe('Cache-Control (RFC 9111 §5.2)', () => {
  test('has directives in any case, with quoted arguments, over several lines, and the first of two counts', () => {
    const directives = directivesOf({
      'cache-control': ['Max-Age="60", PRIVATE="set-cookie, x"', 'max-age=5,, s-maxage=10'],
    })
    expect([...directives]).toEqual([
      ['max-age', '60'],
      ['private', 'set-cookie, x'],
      ['s-maxage', '10'],
    ])
  })

  test('has seconds that are whole numbers; anything else is stale, and what is too large is the largest', () => {
    expect(
      ['60', '0', '1.5', '-1', 'a', '', '99999999999'].map((value) => secondsOf(cc(`max-age=${value}`), 'max-age')),
    ).toEqual([...[60, 0, 0, 0, 0, 0, 2 ** 31]])
    expect(secondsOf(cc('public'), 'max-age')).toBeUndefined()
  })

  test('of a request is read from Pragma where it is absent (§5.4)', () => {
    expect(requestDirectivesOf({ pragma: 'no-cache' }).has('no-cache')).toBe(true)
    expect(requestDirectivesOf({ pragma: 'no-cache', 'cache-control': 'max-age=5' }).has('no-cache')).toBe(false)
  })
})

test('dates have one of three formats (RFC 9110 §5.6.7), and nothing else is a date', () => {
  const at = Date.UTC(1994, 10, 6, 8, 49, 37)
  for (const text of ['Sun, 06 Nov 1994 08:49:37 GMT', 'Sunday, 06-Nov-94 08:49:37 GMT', 'Sun Nov  6 08:49:37 1994'])
    expect(parseDate(text, NOW)).toBe(at)
  expect(parseDate('Sunday, 06-Nov-77 08:49:37 GMT', NOW)).toBe(Date.UTC(1977, 10, 6, 8, 49, 37))
  expect(formatDate(at)).toBe('Sun, 06 Nov 1994 08:49:37 GMT')
  for (const text of [
    '0',
    '',
    '1994',
    'Sun, 06 Nov 1994 08:49:37 UTC',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    'Sun, 06 nov 1994 08:49:37 GMT',
  ])
    expect(parseDate(text, NOW)).toBeUndefined()
})

describe('the life of a response (RFC 9111 §4.2, RFC 5861)', () => {
  const none = { ttlMs: undefined, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, heuristic: 0 }
  const life = (headers: Record<string, string>, defaults = {}, status = 200) =>
    lifeOf(status, headers, { ...none, ...defaults }, NOW)

  test('is s-maxage before max-age before Expires before the default', () => {
    const expires = formatDate(NOW + 90_000)
    const all = { 'cache-control': 's-maxage=10, max-age=20', expires }
    expect(life(all, { ttlMs: 1 }).lifetimeMs).toBe(10_000)
    expect(life({ 'cache-control': 'max-age=20', expires }).lifetimeMs).toBe(20_000)
    expect(life({ expires, date: formatDate(NOW - 10_000) }).lifetimeMs).toBe(100_000)
    expect(life({ expires: '0' }, { ttlMs: 9 }).lifetimeMs).toBe(0)
    expect(life({}, { ttlMs: 9 }).lifetimeMs).toBe(9)
    expect(life({}).lifetimeMs).toBeUndefined()
    expect(life({ 'cache-control': 'no-cache' }, { ttlMs: 9 }).lifetimeMs).toBe(0)
  })

  test('by default is for statuses that are cacheable by default, and never for an error', () => {
    expect([200, 204, 301, 302, 404, 500].map((status) => life({}, { ttlMs: 9 }, status).lifetimeMs)).toEqual([
      ...[9, 9, 9, undefined, undefined, undefined],
    ])
  })

  test('by a heuristic is a part of the time since Last-Modified', () => {
    const modified = { 'last-modified': formatDate(NOW - 100_000) }
    expect(life(modified, { heuristic: 0.1 }).lifetimeMs).toBe(10_000)
    expect(life(modified, { heuristic: 0.1 }, 404).lifetimeMs).toBe(10_000)
    expect(life(modified, { heuristic: 0.1 }, 599).lifetimeMs).toBeUndefined()
    expect(life({ ...modified, 'cache-control': 'public' }, { heuristic: 0.1 }, 599).lifetimeMs).toBe(10_000)
  })

  test('begins at the age at which it was received: that of Age, or that which Date shows', () => {
    expect(life({ age: '30' }).initialAgeMs).toBe(30_000)
    expect(life({ date: formatDate(NOW - 60_000) }).initialAgeMs).toBe(59_001)
    expect(life({ date: formatDate(NOW) }).initialAgeMs).toBe(0)
    expect(life({ date: formatDate(NOW + 60_000), age: '5' }).initialAgeMs).toBe(5000)
    for (const age of ['a', '-5', '1.5', '0, 7', '']) expect(life({ age }).initialAgeMs).toBe(2 ** 31 * 1000)
  })

  test('has stale windows of its own or the default ones, and none where stale is forbidden', () => {
    const defaults = { staleWhileRevalidateMs: 1, staleIfErrorMs: 2 }
    expect(life({}, defaults)).toMatchObject(defaults)
    const own = life({ 'cache-control': 'stale-while-revalidate=3, stale-if-error=4' }, defaults)
    expect(own).toMatchObject({ staleWhileRevalidateMs: 3000, staleIfErrorMs: 4000 })
    for (const directive of ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=5']) {
      const forbidden = life({ 'cache-control': `${directive}, stale-if-error=4` }, defaults)
      expect(forbidden).toMatchObject({ staleWhileRevalidateMs: 0, staleIfErrorMs: 0 })
    }
  })
})

test('a response with must-understand is stored only if its status is known, and then although it says no-store (RFC 9111 §5.2.2.3)', () => {
  const anyone = { hasCredentials: false, hasAuthorization: false, isPerUser: false }
  const refusal = (status: number, value: string) => refusalOf(status, { 'cache-control': value }, {}, anyone)
  expect(refusal(200, 'max-age=5, no-store, must-understand')).toBeUndefined()
  expect(refusal(599, 'max-age=5, must-understand')).toBe('status')
  expect(refusal(599, 'max-age=5')).toBeUndefined()
  expect([100, 206, 304].map((status) => refusal(status, 'max-age=5'))).toEqual(['status', 'status', 'status'])
})

test('what a stored response is worth depends on its age, its directives and those of the request (RFC 9111 §5.2.1)', () => {
  const worth = (ageMs: number, request = '', response = '') =>
    worthOf({ ageMs, lifetimeMs: 10_000 }, cc(response), cc(request))
  expect([worth(9999), worth(10_000)]).toEqual(['fresh', 'validate'])
  expect([worth(5000, 'max-age=5'), worth(5001, 'max-age=5'), worth(0, 'max-age=0')]).toEqual([
    'fresh',
    'validate',
    'fresh',
  ])
  expect([worth(5000, 'min-fresh=5'), worth(5001, 'min-fresh=5')]).toEqual(['fresh', 'validate'])
  expect([worth(15_000, 'max-stale'), worth(15_000, 'max-stale=5'), worth(15_001, 'max-stale=5')]).toEqual([
    'stale',
    'stale',
    'validate',
  ])
  expect([worth(15_000, 'max-stale', 'must-revalidate'), worth(15_000, 'max-stale', 's-maxage=10')]).toEqual([
    'validate',
    'validate',
  ])
  expect([worth(0, 'no-cache'), worth(0, '', 'no-cache'), worth(0, '', 'No-Cache="x"')]).toEqual([
    'validate',
    'validate',
    'validate',
  ])
  expect(['', 'max-stale', 'no-cache', 'max-age=9'].map((value) => allowsStale(cc(value)))).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test('selecting values are equal for requests that mean the same (RFC 9111 §4.1)', () => {
  expect(varyNames({ vary: ['Accept, Origin', 'ACCEPT'] })).toEqual(['accept', 'origin'])
  const of = (name: string, value?: string) => selectingValues([name], value === undefined ? {} : { [name]: value })
  expect(of('accept-language', 'de;q=0.5, EN')).toBe(of('accept-language', 'en ,de; q=0.5'))
  expect(of('accept-language', 'de;q=0.5, en')).not.toBe(of('accept-language', 'de, en;q=0.5'))
  expect(of('x', 'a,b')).toBe(of('x', ' a , b'))
  expect(of('x', 'A')).not.toBe(of('x', 'a'))
  expect(of('x', '')).not.toBe(of('x'))
  // No value can look like two fields.
  expect(selectingValues(['a', 'b'], { a: '1&b:=2' })).not.toBe(selectingValues(['a', 'b'], { a: '1', b: '2' }))
})

test('conditions are those of RFC 9110 §13', () => {
  const etag = { etag: 'W/"a,b"', 'last-modified': formatDate(NOW) }
  expect(isNotModified({ 'if-none-match': '"x", "a,b"' }, etag, NOW)).toBe(true)
  expect(isNotModified({ 'if-none-match': 'a,b' }, etag, NOW)).toBe(false)
  expect(isNotModified({ 'if-none-match': '*' }, {}, NOW)).toBe(true)
  expect(isNotModified({ 'if-modified-since': formatDate(NOW) }, etag, NOW)).toBe(true)
  expect(isNotModified({ 'if-modified-since': 'yesterday' }, etag, NOW)).toBe(false)
  expect(isNotModified({ 'if-modified-since': formatDate(NOW) }, { date: formatDate(NOW + 1000) }, NOW)).toBe(false)
  expect(rangeApplies({ 'if-range': 'W/"a"' }, { etag: 'W/"a"' })).toBe(false)
  expect(rangeApplies({ 'if-range': formatDate(NOW) }, etag)).toBe(true)
  expect(membersOf('"a,\\"b", c')).toEqual(['"a,\\"b"', 'c'])
})

test('a range is one range of bytes (RFC 9110 §14)', () => {
  const of = (header: string) => rangeOf(header, 10)
  expect(of('bytes=0-0')).toEqual({ first: 0, last: 0 })
  expect(of('bytes=-20')).toEqual({ first: 0, last: 9 })
  expect(of('Bytes=9-')).toEqual({ first: 9, last: 9 })
  expect([of('bytes=10-'), of('bytes=-0')]).toEqual(['unsatisfiable', 'unsatisfiable'])
  for (const header of ['bytes=5-4', 'bytes=-', 'bytes=a-b', 'lines=0-1', 'bytes=0-1,2-3'])
    expect(of(header)).toBeUndefined()
})

test('headers of the connection are not stored, and a 304 updates all but what describes the body (RFC 9111 §3.1, §3.2)', () => {
  const fields = { connection: 'X-A', 'x-a': '1', 'transfer-encoding': 'chunked', age: '5', etag: '"a"', 'x-b': '2' }
  expect(storedFields(fields)).toEqual({ etag: '"a"', 'x-b': '2' })
  const stored = { 'content-length': '5', etag: '"a"', 'x-b': '2', 'x-c': '3' }
  expect(updatedFields(stored, { 'content-length': '0', etag: '"b"', 'x-b': '9', connection: 'close' })).toEqual({
    ...stored,
    'x-b': '9',
  })
})

test('an encoding is the one that the client prefers, of those that are offered (RFC 9110 §12.5.3)', async () => {
  const of = (value: string | undefined) => preferredEncoding({ 'accept-encoding': value }, ['br', 'gzip'])
  expect([
    of('gzip, br'),
    of('gzip'),
    of('br;q=0.1, gzip'),
    of('*'),
    of('identity'),
    of('gzip;q=0'),
    of(undefined),
    of('deflate'),
  ]).toEqual([...['br', 'gzip', 'gzip', 'br', undefined, undefined, undefined, undefined]])
  expect(isCompressible({ 'content-type': 'application/problem+json; charset=utf-8' }, 5000)).toBe(true)
  expect(isCompressible({ 'content-type': 'image/png' }, 5000)).toBe(false)
  expect(await isEncodedAsClaimed({ 'content-encoding': 'unknown' }, new Uint8Array([1]))).toBe(true)
})

test('statuses and methods mean what RFC 9110 says', () => {
  expect([200, 206, 302, 404].map(isHeuristicallyCacheable)).toEqual([true, false, false, true])
  expect([199, 200, 303, 400, 500].map(isNonError)).toEqual([false, true, true, false, false])
  expect(['GET', 'OPTIONS', 'POST', 'PURGE', 'get'].map(isSafe)).toEqual([true, true, false, false, false])
})

test('Cache-Status is a structured field (RFC 9211)', () => {
  expect(formatCacheStatus('shop', { hit: true, ttlSeconds: -3, detail: 'stale-if-error' })).toBe(
    'shop;hit;ttl=-3;detail=stale-if-error',
  )
  expect(formatCacheStatus('shop', { fwd: 'stale', fwdStatus: 304, stored: true, collapsed: true })).toBe(
    'shop;fwd=stale;fwd-status=304;stored;collapsed',
  )
  expect(
    [
      { hit: true },
      { hit: true, ttlSeconds: -1 },
      { fwd: 'bypass' },
      { fwd: 'stale' },
      { fwd: 'stale', fwdStatus: 304 },
      { fwd: 'uri-miss' },
    ].map((status) => formatXCacheStatus(status as never)),
  ).toEqual(['HIT', 'STALE', 'BYPASS', 'EXPIRED', 'REVALIDATED', 'MISS'])
})
