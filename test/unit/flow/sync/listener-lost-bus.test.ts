// Operations in flight while the bus loses announcements: nothing that they return may be trusted afterwards (G3).
import { deferred, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { type Fleet, leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

/** So long that only the trust in the bus decides how long L1 serves a value. */
const ttl = '1h'
const MAX_STALENESS_MS = 3_000

/** The bus of B reports `lost` instead of delivering what A announces. */
async function unheardByB({ b, clock }: Fleet, invalidate: () => Promise<unknown>): Promise<void> {
  b.tier.busLink.lose(1)
  const applied = invalidate()
  await clock.advance(1)
  expect(await applied).toBe('applied')
}

test('a reply of L2 that was on its way during the loss is not trusted longer than maxStaleness', async () => {
  const all = await fleet({ ttl })
  const { a, b, clock } = all
  await a.cache.set('k', 'old')
  b.tier.link.replyMs = 50
  const read = b.cache.get('k')
  await settle()
  await unheardByB(all, () => a.cache.delete('k'))
  await clock.advance(100)
  expect(await read, 'the read began before the delete was applied').toBe('old')
  b.tier.link.replyMs = 0
  await clock.advance(MAX_STALENESS_MS)
  expect(await b.cache.get('k')).toBeUndefined()
})

test('a token learned before the loss does not make later reads current', async () => {
  const all = await fleet({ ttl })
  const { a, b, clock } = all
  await a.cache.set('k', 'old', { tags: ['t'] })
  await a.cache.set('other', 'old', { tags: ['t'] })
  expect(await b.cache.get('k')).toBe('old')
  await unheardByB(all, () => a.cache.invalidateTags(['t']))
  // Until the bound B may serve an outdated value, but no longer.
  await b.cache.get('other')
  await clock.advance(MAX_STALENESS_MS)
  expect(await b.cache.get('other')).toBeUndefined()
})

test('a load that was running during the loss is not trusted longer than maxStaleness', async () => {
  const all = await fleet({ ttl })
  const { a, b, clock } = all
  const gate = deferred<string>()
  const caller = b.cache.getOrSet('k', () => gate.promise, { tiers: 'l1' })
  await clock.advance(1)
  await unheardByB(all, () => a.cache.delete('k'))
  gate.resolve('old')
  expect(await caller).toBe('old')
  await clock.advance(MAX_STALENESS_MS)
  expect(await b.cache.get('k')).toBeUndefined()
})

test('a bus that resumes at its last announcement has lost nothing, and L1 is still served', async () => {
  const { a, b, clock } = await fleet({ ttl })
  await a.cache.set('k', 'v')
  await a.cache.set('deleted', 'v')
  expect(await b.cache.getMany(['k', 'deleted'])).toEqual(['v', 'v'])
  b.tier.busLink.cut()
  expect(await a.cache.delete('deleted')).toBe('applied')
  await clock.advance(MAX_STALENESS_MS - 1)
  b.tier.busLink.restore()
  await clock.advance(1)
  b.tier.link.resetCounts()
  expect(await b.cache.get('k')).toBe('v')
  expect(b.tier.link.count()).toBe(0)
  expect(await b.cache.get('deleted')).toBeUndefined()
})

test('while the bus is cut L1 is trusted for exactly maxStaleness', async () => {
  const { a, b, clock } = await fleet({ ttl })
  await a.cache.set('k', 'v')
  expect(await b.cache.get('k')).toBe('v')
  b.tier.busLink.cut()
  b.tier.link.resetCounts()
  await clock.advance(MAX_STALENESS_MS - 2)
  expect(await b.cache.get('k')).toBe('v')
  expect(b.tier.link.count()).toBe(0)
  await clock.advance(2)
  expect(await b.cache.get('k')).toBe('v')
  expect(b.tier.link.count('read'), 'L2 is asked again').toBe(1)
})

test('unverified entries are checked against L2, not dropped', async () => {
  const all = await fleet({ ttl })
  const { a, b, clock } = all
  await a.cache.set('k', 'v')
  expect(await b.cache.get('k')).toBe('v')
  await unheardByB(all, () => a.cache.delete('something else'))
  await clock.advance(MAX_STALENESS_MS)
  b.tier.link.resetCounts()
  expect(await b.cache.get('k')).toBe('v')
  expect(b.tier.link.count('read')).toBe(1)
  expect(await b.cache.get('k')).toBe('v')
  expect(b.tier.link.count('read')).toBe(1)
})

test('a soft expiry of a tag that arrives late does not undo a later one', async () => {
  const { a, b, clock } = await fleet({ ttl, staleIfError: '1h' })
  await a.cache.set('k', 'older', { tags: ['t'] })
  expect(await b.cache.get('k')).toBe('older')
  b.tier.busLink.cut()
  expect(await a.cache.expireTags(['t'])).toBe('applied')
  expect(await b.cache.set('k', 'old', { tags: ['t'] })).toBe('applied')
  expect(await b.cache.expireTags(['t'])).toBe('applied')
  b.tier.busLink.restore()
  await clock.advance(10)
  expect(await b.cache.lookup('k')).toMatchObject({ found: true, value: 'old', state: 'staleIfError' })
})
