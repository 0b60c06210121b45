// Touches on their way to L2: refused, lost, late, repeated, too many.
import { settle } from 'tiercache/testing'
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

const IDLE_MS = 10_000
const TENTH_MS = IDLE_MS / 10
const SESSIONS = { ttl: Number.POSITIVE_INFINITY, idleTtl: IDLE_MS } as const
const KEY = 'tiercache:s'

/** A session in the memory of a process and in L2, whose next read touches it. */
async function sessions(options = {}) {
  const opened = await fleet({ ...SESSIONS, ...options })
  await opened.a.cache.set('s', 'v')
  await opened.clock.advance(TENTH_MS)
  opened.a.tier.link.resetCounts()
  return opened
}

describe('a touch that L2 refuses', () => {
  test.each(['evicted', 'replaced'])('because the entry was %s makes the next read ask L2', async (how) => {
    const { a, b, server } = await sessions()
    // The announcement of the new value does not arrive.
    a.tier.busLink.stall()
    if (how === 'evicted') server.evict(KEY)
    else await b.cache.set('s', 'new')
    expect(await a.cache.get('s')).toBe('v')
    await settle()
    expect(await a.cache.get('s')).toBe(how === 'evicted' ? undefined : 'new')
    a.tier.busLink.resume()
  })
})

describe('while L2 cannot be reached', () => {
  test('memory keeps an entry as long as it is read', async () => {
    const { a, clock, server } = await sessions()
    a.tier.link.cut()
    for (let ms = 0; ms < 2 * IDLE_MS; ms += 500) {
      await clock.advance(500)
      expect(await a.cache.get('s')).toBe('v')
    }
    expect(server.keys()).not.toContain(KEY)
    a.tier.link.restore()
    await clock.advance(TENTH_MS)
    expect(await a.cache.get('s')).toBe('v')
    await settle()
    // L2 has refused the touch: the entry is gone there.
    expect(await a.cache.get('s')).toBeUndefined()
  })

  test('a value that was set lives as long as it is read, and lives on in L2 once it is stored there', async () => {
    const { a, b, clock } = await sessions()
    a.tier.link.cut()
    const writing = a.cache.set('s', 'new')
    const read = async (forMs: number) => {
      for (let ms = 0; ms < forMs; ms += 500) {
        await clock.advance(500)
        expect(await a.cache.get('s')).toBe('new')
      }
    }
    await read(2 * IDLE_MS)
    expect(await writing).toBe('queued')
    a.tier.link.restore()
    await read(3 * IDLE_MS)
    expect(await b.cache.get('s')).toBe('new')
  })

  test('a value that was set and is not read goes idle, and is not stored in L2 later', async () => {
    const { a, b, clock, server } = await sessions()
    a.tier.link.cut()
    await a.cache.set('s', 'new')
    await clock.advance(IDLE_MS)
    expect(await a.cache.get('s')).toBeUndefined()
    a.tier.link.restore()
    await clock.advance(0.5 * IDLE_MS)
    expect(a.cache.stats().l2).toMatchObject({ available: true, waiting: 0 })
    expect(server.keys()).not.toContain(KEY)
    expect([await a.cache.get('s'), await b.cache.get('s')]).toEqual([undefined, undefined])
  })
})

describe('a late or repeated touch', () => {
  test('brings nothing back', async () => {
    const { a, b, clock, server } = await sessions()
    a.tier.link.inject({ on: 'extend', effect: 'delay', byMs: 2 * IDLE_MS, times: 1 })
    expect(await a.cache.get('s')).toBe('v')
    await clock.advance(3 * IDLE_MS)
    expect(server.keys()).not.toContain(KEY)
    expect([await a.cache.get('s'), await b.cache.get('s')]).toEqual([undefined, undefined])
  })

  test('does not prolong the value that has replaced the entry', async () => {
    const { a, b, clock, server } = await sessions()
    a.tier.link.inject({ on: 'extend', effect: 'repeat', byMs: 5_000, times: 1 })
    await a.cache.get('s')
    await b.cache.set('s', 'new')
    await clock.advance(IDLE_MS - 1)
    expect(server.keys()).toContain(KEY)
    await clock.advance(1)
    expect(server.keys()).not.toContain(KEY)
  })

  test('lets no process serve the entry beyond its absolute end', async () => {
    const ttl = 1.5 * IDLE_MS
    const { a, b, clock, server } = await sessions({ ttl })
    await clock.advance(0.5 * IDLE_MS)
    await a.cache.get('s')
    await clock.advance(ttl - 0.5 * IDLE_MS - TENTH_MS - 500)
    a.tier.link.inject({ on: 'extend', effect: 'delay', byMs: 400, times: 1 })
    expect(await a.cache.get('s')).toBe('v')
    await clock.advance(500)
    expect(server.keys()).toContain(KEY)
    expect([await a.cache.get('s'), await b.cache.get('s')]).toEqual([undefined, undefined])
  })
})

test('a touch that failed is sent again at the next read, in a process without memory too', async () => {
  const { a } = await sessions({ l1: false })
  const touches = async () => {
    expect(await a.cache.get('s')).toBe('v')
    await settle()
    return a.tier.link.count('extend')
  }
  a.tier.link.inject({ on: 'extend', effect: 'refuse', times: 1 })
  expect([await touches(), await touches(), await touches()]).toEqual([1, 2, 2])
})

test('touches are bounded: one for which there is no room is left to the next read', async () => {
  const { a, clock } = await sessions({ background: { maxPending: 1 } })
  await a.cache.set('other', 'v')
  await clock.advance(TENTH_MS)
  a.tier.link.resetCounts()
  a.tier.link.stall()
  expect(await a.cache.getMany(['s', 'other'])).toEqual(['v', 'v'])
  expect(a.tier.link.count('extend')).toBe(1)
  a.tier.link.resume()
  await settle()
  expect(await a.cache.getMany(['s', 'other'])).toEqual(['v', 'v'])
  expect(a.tier.link.count('extend')).toBe(2)
})
