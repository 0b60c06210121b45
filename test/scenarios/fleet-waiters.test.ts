// Callers that wait for a load of another process get the value soon after it is stored, or a stale value at once.
import type { Cache } from 'tiercache'
import { deferred } from 'tiercache/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { sleep, waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

/** With this lease, a caller that waited for its end would hang. */
const LONGER_THAN_A_TEST = '5m'

/** A load of `key` that runs in `cache`, which therefore holds its lease. `gate` ends it. */
async function loadingBy(cache: Cache, key: string) {
  const begun = deferred()
  const gate = deferred<string>()
  const loading = cache.getOrSet(key, () => {
    begun.resolve()
    return gate.promise
  })
  await begun.promise
  return { gate, loading }
}

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet
  let a: Cache
  let b: Cache

  beforeAll(async () => {
    fleet = await Fleet.start(form)
    ;[a, b] = await fleet.openTwo({ ttl: '1h', staleWhileRevalidate: '1h' }, { leaseTtl: LONGER_THAN_A_TEST })
  })

  afterAll(() => fleet.stop())

  test('a hundred callers in another process get the value as soon as it is stored, and do not wait for the end of the lease', async () => {
    const { gate, loading } = await loadingBy(a, 'k')
    const callers = Array.from({ length: 100 }, () => b.getOrSet('k', () => 'a second load'))
    await sleep(300)
    gate.resolve('v')
    expect(new Set([await loading, ...(await Promise.all(callers))])).toEqual(new Set(['v']))
  })

  test('callers that wait for another process poll Redis together, less than once per caller', async () => {
    const { gate, loading } = await loadingBy(a, 'slow')
    let commands = 0
    for (const count of Object.values(
      await fleet.count([], async () => {
        const callers = Array.from({ length: 250 }, () => b.getOrSet('slow', () => 'a second load'))
        await sleep(1_000)
        gate.resolve('v')
        await Promise.all([loading, ...callers])
      }),
    )) {
      commands += count
    }
    expect(commands).toBeLessThan(250)
  })

  test('a stale value is served at once in every process while one process loads', async () => {
    await a.set('stale', 'old', { ttl: 50 })
    await sleep(100)
    const gate = deferred<string>()
    const load = vi.fn(() => gate.promise)
    expect(await a.getOrSet('stale', load)).toBe('old')
    await waitFor('the refresh', () => load.mock.calls.length === 1)
    let loads = 0
    expect(await b.getOrSet('stale', () => `load ${++loads} of b`)).toBe('old')
    expect(loads).toBe(0)
    gate.resolve('new')
    await Promise.all([a.drain(), b.drain()])
    expect(loads).toBe(0)
    expect(await a.getOrSet('stale', load)).toBe('new')
  })
})
