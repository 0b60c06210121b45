// http-cache-semantics as a second opinion: where both speak of the same thing, they agree. Where they do not, the difference is listed with
// who is right.
import fc from 'fast-check'
import CachePolicy from 'http-cache-semantics'
import { expect, test } from 'vitest'
import { formatDate } from '../../../src/http/rules/dates.js'
import { lifeOf } from '../../../src/http/rules/freshness.js'
import { refusalOf } from '../../../src/http/rules/storable.js'

const NONE = { ttlMs: undefined, staleWhileRevalidateMs: 0, staleIfErrorMs: 0, heuristic: 0 }

interface Exchange {
  readonly status: number
  readonly request: Record<string, string>
  readonly response: Record<string, string>
}

/** How long a response is fresh in a shared cache, in seconds; 0 if it is not stored. */
function ours({ status, request, response }: Exchange): number {
  const hasAuthorization = request.authorization !== undefined
  const audience = { hasCredentials: hasAuthorization, hasAuthorization, isPerUser: false }
  if (refusalOf(status, response, request, audience) !== undefined) return 0
  return (lifeOf(status, response, NONE, Date.now()).lifetimeMs ?? 0) / 1000
}

function theirs({ status, request, response }: Exchange): number {
  const policy = new CachePolicy(
    { url: '/', method: 'GET', headers: request },
    { status, headers: response },
    { shared: true, cacheHeuristic: 0, immutableMinTimeToLive: 0 },
  )
  return policy.storable() ? policy.maxAge() : 0
}

const directive = fc.oneof(
  fc.constantFrom('public', 'private', 'no-store', 'no-cache', 'must-revalidate', 'no-transform', 'immutable'),
  fc.tuple(fc.constantFrom('max-age', 's-maxage'), fc.nat(100_000)).map(([name, seconds]) => `${name}=${seconds}`),
)

const exchange: fc.Arbitrary<Exchange> = fc.record({
  // The library stores only these, whatever a response says.
  status: fc.constantFrom(200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414, 501, 206, 304),
  request: fc.constantFrom<Record<string, string>>({}, { authorization: 'Bearer a' }),
  response: fc
    .tuple(fc.uniqueArray(directive, { maxLength: 4, selector: (one) => one.split('=')[0] }), fc.option(fc.nat(10_000)))
    .map(([directives, expires]): Record<string, string> => {
      const now = Math.floor(Date.now() / 1000) * 1000
      const date = formatDate(now)
      const own = directives.length === 0 ? { date } : { date, 'cache-control': directives.join(', ') }
      return expires === null ? own : { ...own, expires: formatDate(now + expires * 1000) }
    }),
})

test('both agree on what is stored, and for how long', () => {
  fc.assert(
    fc.property(exchange, (one) => {
      expect(ours(one)).toBe(theirs(one))
    }),
    { seed: 1, numRuns: 3000 },
  )
})

const ok = (response: Record<string, string>, status = 200): Exchange => ({ status, request: {}, response })

/** Where they differ: ours and theirs in seconds, and who is right. */
const DIFFERENCES: readonly (readonly [why: string, given: Exchange, ours: number, theirs: number])[] = [
  ['directives are case-insensitive (RFC 9111 §5.2): ours', ok({ 'cache-control': 'Max-Age=60' }), 60, 0],
  ['no-store, too: ours', ok({ 'cache-control': 'No-Store, max-age=60' }), 0, 60],
  [
    'proxy-revalidate is about stale responses only (§5.2.2.8): ours',
    ok({ 'cache-control': 'proxy-revalidate, max-age=60' }),
    60,
    0,
  ],
  [
    'Expires that is no HTTP date is in the past (§5.3): ours',
    ok({ expires: '2040-01-01', date: formatDate(Date.now()) }),
    0,
    0,
  ],
  ['any final status with a lifetime may be stored (§3): ours', ok({ 'cache-control': 'max-age=60' }, 500), 60, 0],
  [
    'Set-Cookie is never for everybody, though RFC 9111 allows it with public: ours is stricter',
    ok({ 'cache-control': 'public, max-age=60', 'set-cookie': 'a=b' }),
    0,
    60,
  ],
  [
    'Vary: Cookie is as good as Vary: *: ours is stricter',
    ok({ 'cache-control': 'max-age=60', vary: 'Cookie' }),
    0,
    60,
  ],
]

test.each(DIFFERENCES)('%s', (_why, given, own, other) => {
  expect(ours(given)).toBe(own)
  // Dates of the library are read by `Date.parse`, which takes what is no HTTP date.
  if (given.response.expires === undefined) expect(theirs(given)).toBe(other)
  else expect(theirs(given)).toBeGreaterThan(0)
})
