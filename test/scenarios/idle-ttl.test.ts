// Sessions on a real Redis: what is read from memory alone lives on there too, for few commands; what nobody reads is gone.
import type { Cache } from 'tiercache'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sleep, waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

const sessions = Array.from({ length: 20 }, (_, i) => `session:${i}`)
const FOREVER = Number.POSITIVE_INFINITY

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await Fleet.start(form)
  })

  afterEach(() => fleet.closeAll())
  afterAll(() => fleet.stop())

  const leftMs = async (key: string) => Number(await (await fleet.nodeOf(key)).command('PTTL', key))
  const setAll = (cache: Cache) => cache.setMany(sessions.map((key) => [key, { key }] as const))

  /** Reads all sessions, as requests of one tick do. Returns how many were found. */
  async function readAll(cache: Cache, tiers: 'all' | 'l2' = 'all'): Promise<number> {
    const values = await Promise.all(sessions.map((key) => cache.get(key, { tiers })))
    return values.filter((value) => value !== undefined).length
  }

  test.each([
    ['stream', 10],
    ['tracking', 3],
  ] as const)(
    'with the %s bus, sessions live on after %i idle lives of reads from memory, and are gone after one without',
    async (bus, lives) => {
      const [a, b] = await fleet.openTwo({ ttl: FOREVER, idleTtl: '1s' }, { bus })
      await setAll(a)
      expect(await readAll(b)).toBe(sessions.length)
      const counts = await fleet.count([a, b], async () => {
        for (const endMs = performance.now() + lives * 1_000; performance.now() < endMs; await sleep(20)) {
          expect(await readAll(a)).toBe(sessions.length)
        }
      })
      expect(counts.mget ?? 0, 'memory served the reads').toBeLessThan(20)
      expect(b.peek(sessions[0] as string), 'the copy of who did not read it').toBeUndefined()
      expect(await readAll(b)).toBe(sessions.length)
      await a.drain()
      await b.drain()
      for (const key of sessions) expect(await leftMs(`shop:${key}`)).toBeGreaterThan(0)
      await waitFor('the end of the idle life', async () => (await leftMs(`shop:${sessions[0]}`)) === -2)
      await sleep(1_000)
      expect([await readAll(a), await readAll(b)]).toEqual([0, 0])
    },
  )

  test('touches cost at most a tenth of the commands that the reads would cost', async () => {
    const [a] = await fleet.openTwo({ ttl: FOREVER, idleTtl: '5s' })
    await setAll(a)
    const { mget: perRound = 0 } = await fleet.count([a], () => readAll(a, 'l2'))
    let rounds = 0
    const counts = await fleet.count([a], async () => {
      for (const endMs = performance.now() + 2_500; performance.now() < endMs; rounds++) {
        expect(await readAll(a)).toBe(sessions.length)
        await sleep(1)
      }
    })
    expect(counts.mget).toBeUndefined()
    expect(counts.evalsha).toBeGreaterThan(0)
    expect(counts.evalsha).toBeLessThanOrEqual(0.1 * rounds * perRound)
  })

  test('the touches of one tick are one script, on a cluster one per key', async () => {
    const [a] = await fleet.openTwo({ ttl: FOREVER, idleTtl: '1m' })
    await setAll(a)
    const touch = () => a.touch(sessions)
    const counts = await fleet.count([a], async () => expect(await touch()).toBe(sessions.length))
    const scripts = form === 'one server' ? 1 : sessions.length
    expect(counts).toEqual({ evalsha: scripts, getrange: sessions.length, pexpire: sessions.length })
  })

  test('no touch lets a session outlive its ttl in Redis', async () => {
    const [a, b] = await fleet.openTwo({ ttl: '3s', idleTtl: '1s' })
    await setAll(a)
    const endsAtMs = performance.now() + 3_000
    let longestMs = 0
    while (performance.now() < endsAtMs - 500) {
      await readAll(a)
      await readAll(b)
      await sleep(50)
      const left = await leftMs(`shop:${sessions[0]}`)
      longestMs = Math.max(longestMs, performance.now() + left - endsAtMs)
    }
    expect(longestMs).toBeLessThan(500)
    await waitFor('the end of the ttl', async () => (await readAll(b)) === 0)
    expect(await readAll(a)).toBe(0)
  })
})
