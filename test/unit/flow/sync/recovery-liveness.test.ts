// A key that changes faster than the bus catches up must not wait for ever because of what the journal holds from an outage.
import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier } from 'tiercache/testing'
import { expect, test } from 'vitest'

test('a key that is set all the time is written to L2 again soon after an outage', async () => {
  const clock = new FakeClock()
  const server = new MemoryServer()
  const tier = memoryTier(server)
  const a = createCache({ clock, l2: tier })
  const b = createCache({ clock, l2: memoryTier(server) })
  await clock.advance(2_000)
  tier.cut()
  const during = a.set('k', -1)
  await clock.advance(500)
  expect(await during).toBe('queued')
  tier.restore()

  const results: Promise<string>[] = []
  for (let i = 0; i < 100; i++) {
    results.push(a.set('k', i))
    await clock.advance(100)
  }

  const settled = await Promise.all(results)
  expect(settled.at(-1)).toBe('applied')
  expect(settled.filter((result) => result === 'queued').length).toBeLessThan(50)
  await clock.advance(3_000)
  expect(await b.get('k')).toBe(99)
  expect(await a.get('k')).toBe(99)
  expect(a.stats().l2.waiting).toBe(0)
  await Promise.all([a.close(), b.close()])
})
