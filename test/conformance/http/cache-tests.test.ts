// The public suite for HTTP caches, through each adapter. `npm run http:cache-tests` prints what fails, and why is said here.
import { expect, test, vi } from 'vitest'
import { adapters } from './adapters/all.js'
import { runCacheTests } from './cache-tests/run.js'

/** The tests that a cache must pass and this one does not, each with the reason. */
const REQUIRED_BUT: Readonly<Record<string, string>> = {
  'age-parse-prefix':
    'Age: 0,7200 counts as stale, as every Age that is no number does; the suite takes the first number here and not elsewhere',
  'headers-store-Set-Cookie': 'a response that sets a cookie is never stored: the cookie belongs to one client',
  '304-etag-update-response-Set-Cookie': 'the same',
}

/** The tests that an optimal cache passes and this one does not. */
const OPTIMAL_BUT: Readonly<Record<string, string>> = {
  'method-POST': 'a response to POST is not stored for GET: its handler was another one',
  'vary-normalise-lang-select':
    'Accept-Language is normalised, not negotiated: the languages of the handler are not known',
  'conditional-lm-fresh-no-lm':
    'RFC 9111 §4.3.2 compares Date where there is no Last-Modified; the suite wants 304 for an earlier date',
  'partial-store-partial-reuse-partial': 'parts are not stored',
  'partial-store-partial-reuse-partial-byterange': 'parts are not stored',
  'partial-store-partial-reuse-partial-absent': 'parts are not stored',
  'partial-store-partial-reuse-partial-suffix': 'parts are not stored',
  'partial-store-partial-complete': 'parts are not stored',
  'other-set-cookie': 'a response that sets a cookie is never stored',
  'other-cookie': 'a request with cookies gets only what is public or its own (per)',
}

test('the public suite for HTTP caches passes, with the exceptions above, through every adapter', {
  timeout: 300_000,
}, async () => {
  // The origin of the suite prints.
  const log = vi.spyOn(console, 'log').mockImplementation(() => undefined)
  try {
    for (const adapter of adapters) {
      const { required, optimal } = await runCacheTests(adapter)
      expect(Object.keys(required.failed).sort()).toEqual(Object.keys(REQUIRED_BUT).sort())
      expect(Object.keys(optimal.failed).sort()).toEqual(Object.keys(OPTIMAL_BUT).sort())
      expect([required.total, optimal.total]).toEqual([153, 86])
    }
  } finally {
    log.mockRestore()
  }
})
