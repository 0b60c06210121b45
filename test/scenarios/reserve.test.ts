// `reserve` on real Redis: one filler in the fleet, an invalidation in between wins, and a holder that is gone holds nobody up for long.
import type { Cache, Slot } from 'tiercache'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { sleep, waitFor } from '../support/wait.js'
import { Fleet, FORMS } from './fleet-of-caches.js'

async function slotOf(cache: Cache, key: string, options?: Parameters<Cache['reserve']>[1]): Promise<Slot<unknown>> {
  const reserved = await cache.reserve(key, options)
  if (reserved.hit) throw new Error(`expected a slot, got ${String(reserved.value)}`)
  return reserved
}

describe.each(FORMS)('on %s', (form) => {
  let fleet: Fleet

  beforeAll(async () => {
    fleet = await Fleet.start(form)
  })
  afterEach(() => fleet.closeAll())
  afterAll(() => fleet.stop())

  test('of many callers in two processes one gets the slot, and the others get what it fills in', async () => {
    const caches = await fleet.openTwo()
    const key = `shared ${form}`
    let slots = 0
    const callers = caches.flatMap((cache) =>
      Array.from({ length: 50 }, async () => {
        const reserved = await cache.reserve(key)
        if (reserved.hit) return reserved.value
        slots++
        await sleep(50)
        await reserved.fill('v')
        return 'v'
      }),
    )
    expect(new Set(await Promise.all(callers))).toEqual(new Set(['v']))
    expect(slots).toBe(1)
  })

  test.each(['delete', 'set', 'invalidateTags', 'clear'] as const)(
    '%s by another process between reserve and fill wins',
    async (verb) => {
      const [a, b] = await fleet.openTwo()
      const key = `overtaken by ${verb}`
      const slot = await slotOf(a, key, { tags: ['t'] })
      if (verb === 'set') await b.set(key, 'set')
      else if (verb === 'invalidateTags') await b.invalidateTags('t')
      else if (verb === 'clear') await b.clear()
      else await b.delete(key)
      await slot.fill('old')
      const expected = verb === 'set' ? 'set' : undefined
      await vi.waitFor(async () => expect(await a.get(key)).toBe(expected))
      expect(await b.get(key)).toBe(expected)
      expect(await b.get(key, { tiers: 'l2' })).toBe(expected)
    },
  )

  test('a released slot goes to a caller of another process', async () => {
    const [a, b] = await fleet.openTwo()
    const slot = await slotOf(a, 'released')
    const waiting = b.getOrSet('released', () => 'loaded')
    await sleep(50)
    slot.release()
    expect(await waiting).toBe('loaded')
    await b.drain()
    expect(await a.get('released')).toBe('loaded')
  })

  test('the slot of a process that is cut off holds the others up for one lease', async () => {
    const [a, proxies] = await fleet.openBehindProxies({}, { leaseTtl: '500ms' })
    const b = await fleet.open({}, { leaseTtl: '500ms' })
    const slot = await slotOf(a, 'orphan')
    await Promise.all(proxies.map((proxy) => proxy.refuse()))
    expect(await b.getOrSet('orphan', () => 'loaded')).toBe('loaded')
    await Promise.all(proxies.map((proxy) => proxy.restore()))
    // It may keep its value in memory, since nothing was invalidated. Redis keeps the other one.
    await slot.fill('late')
    await b.drain()
    await waitFor('L2 to be in use', () => a.stats().l2.available)
    expect(await a.get('orphan', { tiers: 'l2' })).toBe('loaded')
    expect(await b.get('orphan')).toBe('loaded')
  })
})
