// Changes that could not be published at first, and newer changes by this or another process in the meantime.
import { type FakeClock, settle } from 'tiercache/testing'
import { describe, expect, test, vi } from 'vitest'
import { type Fleet, leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

const ttl = '1h'
/** After this time all retries, pauses and checks of the bus are over. */
const RECOVERED_MS = 20_000

/** A process whose data link refuses changes. Reads and the bus work. */
function refusing({ a }: Fleet): () => void {
  return a.tier.link.inject({ on: 'apply', effect: 'refuse' })
}

async function queued(clock: FakeClock, call: Promise<unknown>): Promise<void> {
  await clock.advance(1)
  expect(await call).toBe('queued')
}

describe('a queued value', () => {
  test('is not published if another process deleted its key meanwhile', async () => {
    const all = await fleet({ ttl })
    const { a, b, clock } = all
    const stopRefusing = refusing(all)
    await queued(clock, a.cache.set('k', 'old'))
    expect(await b.cache.delete('k')).toBe('applied')
    stopRefusing()
    await clock.advance(RECOVERED_MS)
    expect(await b.cache.get('k')).toBeUndefined()
    expect(await a.cache.get('k')).toBeUndefined()
  })

  test('is not published if announcements were missed, since its key may have been deleted', async () => {
    const all = await fleet({ ttl })
    const { a, b, clock } = all
    const stopRefusing = refusing(all)
    await queued(clock, a.cache.set('k', 'old'))
    a.tier.busLink.lose(1)
    expect(await b.cache.delete('k')).toBe('applied')
    stopRefusing()
    await clock.advance(RECOVERED_MS)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('is removed again if it was published after a deletion that had not been heard yet', async () => {
    const all = await fleet({ ttl })
    const { a, b, clock } = all
    const stopRefusing = refusing(all)
    await queued(clock, a.cache.set('k', 'old'))
    stopRefusing()
    a.tier.link.requestMs = 100
    a.tier.link.resetCounts()
    while (a.tier.link.count('apply') === 0) await clock.advance(10)
    // The value is in flight. The deletion is applied before it arrives, and announced to this process after it.
    a.tier.busLink.stall('replies')
    expect(await b.cache.delete('k')).toBe('applied')
    await clock.advance(200)
    expect(await b.cache.get('k'), 'published after the deletion').toBe('old')
    a.tier.busLink.resume()
    await clock.advance(RECOVERED_MS)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('is not published if its tag was invalidated meanwhile', async () => {
    const all = await fleet({ ttl })
    const { a, b, clock } = all
    const stopRefusing = refusing(all)
    await queued(clock, a.cache.set('k', 'old', { tags: ['t'] }))
    expect(await b.cache.invalidateTags(['t'])).toBe('applied')
    stopRefusing()
    await clock.advance(RECOVERED_MS)
    expect(await b.cache.get('k')).toBeUndefined()
  })

  test('is not read from the moment at which a later call changes its key', async () => {
    const all = await fleet({ ttl })
    const { a, clock } = all
    const stopRefusing = refusing(all)
    await queued(clock, a.cache.set('k', 'old', { tags: ['t'] }))
    const set = a.cache.set('k', 'new', { tags: ['t'] })
    expect(await a.cache.get('k')).toBe('new')
    await queued(clock, set)
    const invalidated = a.cache.invalidateTags(['t'])
    expect(await a.cache.get('k')).toBeUndefined()
    await queued(clock, invalidated)
    stopRefusing()
    await clock.advance(RECOVERED_MS)
  })
})

test('a confirmed value is not kept in memory for a replay', async () => {
  const { a } = await fleet({ l1: false })
  let value: object | undefined = { some: 'value' }
  const held = new WeakRef(value)
  expect(await a.cache.set('k', value)).toBe('applied')
  value = undefined
  await vi.waitFor(async () => {
    await settle()
    globalThis.gc?.()
    expect(held.deref()).toBeUndefined()
  })
})

test('a soft expiry that is published twice does not undo a later one of another process', async () => {
  const { a, b, clock } = await fleet({ ttl, staleIfError: '1h' })
  await a.cache.set('k', 'v1', { tags: ['t'] })
  await b.cache.get('k')
  // Applied by the server, but the reply is lost, so it is published again.
  a.tier.link.inject({ on: 'apply', effect: 'loseReply', promise: 'rejected', times: 1 })
  a.tier.link.inject({ on: 'apply', effect: 'refuse', times: 1 })
  await queued(clock, a.cache.expireTags(['t']))
  await b.cache.set('k', 'v2', { tags: ['t'] })
  expect(await b.cache.expireTags(['t'])).toBe('applied')
  await clock.advance(RECOVERED_MS)
  expect(await b.cache.lookup('k', { tiers: 'l2' })).toMatchObject({ found: true, state: 'staleIfError' })
})

test('a token planted by a command that was executed twice is not used again after an invalidation', async () => {
  const { a, b, clock } = await fleet({ ttl })
  b.tier.link.inject({ on: 'ensureTokens', effect: 'repeat', byMs: 100, times: 1 })
  await b.cache.set('k', 'old', { tags: ['t'] })
  expect(await a.cache.invalidateTags(['t'])).toBe('applied')
  await clock.advance(1_000)
  expect(await a.cache.get('k')).toBeUndefined()
  expect(await b.cache.get('k')).toBeUndefined()
})

describe('while the invalidation of a tag is queued', () => {
  test('the token of the tag in L2 is not used for any read', async () => {
    const all = await fleet({ ttl })
    const { a, clock } = all
    await a.cache.set('k', 'old', { tags: ['t'] })
    await a.cache.set('other', 'old', { tags: ['t'] })
    a.tier.link.inject({ on: 'apply', effect: 'refuse' })
    await queued(clock, a.cache.invalidateTags(['t']))
    // Each of these reads would need the token of the tag.
    expect(await a.cache.get('other', { tiers: 'l2' })).toBeUndefined()
    expect(await a.cache.getOrSet('new', () => 'new', { tags: ['t'] })).toBe('new')
    expect(await a.cache.get('k')).toBeUndefined()
    a.tier.link.clearFaults()
    await clock.advance(RECOVERED_MS)
    expect(await a.cache.get('k')).toBeUndefined()
  })

  test('newly loaded values are kept in L1', async () => {
    const all = await fleet({ ttl })
    const { a, clock } = all
    await a.cache.set('k', 'old', { tags: ['t'] })
    a.tier.link.inject({ on: 'apply', effect: 'refuse' })
    await queued(clock, a.cache.invalidateTags(['t']))
    const load = vi.fn(() => 'new')
    expect(await a.cache.getOrSet('k', load, { tags: ['t'] })).toBe('new')
    expect(await a.cache.getOrSet('k', load, { tags: ['t'] })).toBe('new')
    expect(load).toHaveBeenCalledTimes(1)
    a.tier.link.clearFaults()
    await clock.advance(RECOVERED_MS)
  })
})
