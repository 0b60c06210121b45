// What a slow L2 may cost one read in all, however many commands the read needs (G6).
import { describe, expect, test } from 'vitest'
import { leavesNothing } from '../../../support/leaves-nothing.js'

const { fleet } = leavesNothing()

async function timeOf(clock: { nowMs(): number; advance(ms: number): Promise<void> }, call: Promise<unknown>) {
  const startMs = clock.nowMs()
  let endMs: number | undefined
  const ended = () => {
    endMs = clock.nowMs()
  }
  void call.then(ended, ended)
  while (endMs === undefined && clock.nowMs() < startMs + 5_000) await clock.advance(1)
  return (endMs ?? Number.POSITIVE_INFINITY) - startMs
}

describe('with an L2 that is slow but within its timeout', () => {
  test('a miss that needs an entry, a lease and tokens costs at most one timeout', async () => {
    const { clock, a } = await fleet({ ttl: '1h' }, { timeout: 200 })
    a.tier.link.requestMs = 150
    expect(
      await timeOf(
        clock,
        a.cache.getOrSet('k', () => 'v', { tags: ['t'] }),
      ),
    ).toBe(200)
    expect(
      await timeOf(
        clock,
        a.cache.getOrSet('other', () => 'v', { tags: ['u'] }),
      ),
    ).toBe(200)
    await clock.advance(1_000)
  })

  test('a hit whose tokens are unknown costs at most one timeout and is a miss after it', async () => {
    const { clock, a, b } = await fleet({ ttl: '1h' }, { timeout: 200 })
    await b.cache.set('k', 'v', { tags: ['t'] })
    a.tier.link.requestMs = 150
    expect(await timeOf(clock, a.cache.get('k'))).toBe(200)
    await clock.advance(1_000)
    expect(await timeOf(clock, a.cache.get('k'))).toBe(150)
    expect(await b.cache.get('k')).toBe('v')
  })

  test('a loaded value is stored if both commands of the miss fit into one timeout', async () => {
    const { clock, a, b } = await fleet({ ttl: '1h' }, { timeout: 200 })
    await a.cache.set('warm', 1)
    await clock.advance(10)
    a.tier.link.requestMs = 90
    expect(
      await timeOf(
        clock,
        a.cache.getOrSet('k', () => 'v'),
      ),
    ).toBe(180)
    await clock.advance(200)
    expect(await b.cache.get('k')).toBe('v')
  })

  test('a lease that is planted after its caller gave up is given back, so that no other process waits for it', async () => {
    const { clock, a, b } = await fleet({ ttl: '1h' }, { timeout: 200, leaseTtl: '10s' })
    a.tier.link.requestMs = 150
    await timeOf(
      clock,
      a.cache.getOrSet('k', () => 'v'),
    )
    a.tier.link.requestMs = 0
    await clock.advance(1_000)
    expect(
      await timeOf(
        clock,
        b.cache.getOrSet('k', () => 'v'),
      ),
    ).toBe(0)
  })

  test('the time during which another process loads does not count as time of L2', async () => {
    const { clock, a, b } = await fleet({ ttl: '1h' }, { timeout: 200 })
    const load = () => new Promise((resolve) => void clock.after(1_000, () => resolve('of a')))
    const loading = a.cache.getOrSet('k', load)
    await clock.advance(10)
    const waiting = b.cache.getOrSet('k', () => 'of b')
    expect(await timeOf(clock, waiting)).toBeGreaterThanOrEqual(980)
    expect(await Promise.all([loading, waiting])).toEqual(['of a', 'of a'])
  })
})

describe('a read after a change by the same process', () => {
  test.each([
    ['a deletion', 'delete'],
    ['the invalidation of a tag', 'invalidateTags'],
    ['a clear', 'clear'],
  ] as const)('sees %s, although the change was not awaited and other changes are on their way', async (_, change) => {
    const { clock, a } = await fleet({ ttl: '1h' })
    await a.cache.set('k', 'old', { tags: ['t'] })
    await clock.advance(10)
    a.tier.link.requestMs = 20
    void a.cache.delete('another')
    await clock.advance(5) // In flight: the following changes wait for it.
    void (change === 'delete'
      ? a.cache.delete('k')
      : change === 'clear'
        ? a.cache.clear()
        : a.cache.invalidateTags('t'))
    const readings = Promise.all([a.cache.getOrSet('k', () => 'new', { tags: ['t'] }), a.cache.getMany(['k'])])
    await clock.advance(200)
    const [loaded, [found]] = await readings
    expect(loaded).toBe('new')
    expect(found).not.toBe('old')
    await clock.advance(200)
  })
})
