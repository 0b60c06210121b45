// Tokens that the server lost or could never store: entries are misses for a while, and then everything works as before (G4).
import { describe, expect, test, vi } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()
const HOUR = { ttl: '1h', l1: false } as const

describe('a token that the server evicted', () => {
  test('is planted again soon, so that values of one process are hits in the others', async () => {
    const { clock, server, a, b } = await fleet(HOUR)
    await a.cache.set('k', 'v', { tags: ['t'] })
    server.evictToken('tiercache', 't:t')
    server.evictToken('tiercache', 'c:tiercache')
    await clock.advance(15_000)
    for (const key of ['k1', 'k2']) {
      await a.cache.set(key, 'v', { tags: ['t'] })
      await clock.advance(100)
    }
    const load = vi.fn()
    expect(await b.cache.getOrSet('k2', load, { tags: ['t'] })).toBe('v')
    expect(load).not.toHaveBeenCalled()
    expect(await a.cache.get('k2')).toBe('v')
  })

  test('delays no caller: its confirmation is renewed in the background', async () => {
    const { clock, a } = await fleet(HOUR)
    await a.cache.set('k', 'v', { tags: ['t'] })
    await clock.advance(15_000)
    a.tier.link.resetCounts()
    a.tier.link.requestMs = 50
    const startMs = clock.nowMs()
    let tookMs: number | undefined
    void a.cache.set('k', 'w', { tags: ['t'] }).then(() => {
      tookMs = clock.nowMs() - startMs
    })
    await clock.advance(200)
    expect(tookMs).toBe(50)
    expect(a.tier.link.count('ensureTokens')).toBe(1)
  })
})

test('a token that a full server could not plant is planted once there is room', async () => {
  const { clock, server, a, b } = await fleet(HOUR)
  await a.cache.set('warm', 1)
  server.condition = 'outOfMemory'
  await a.cache.set('k', 'v', { tags: ['new'] })
  server.condition = 'healthy'
  await clock.advance(15_000)
  for (const key of ['k1', 'k2']) {
    await a.cache.set(key, 'v', { tags: ['new'] })
    await clock.advance(100)
  }
  expect(await b.cache.get('k2')).toBe('v')
})
