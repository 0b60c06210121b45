// @vitest-environment jsdom
// A component test: Vitest replaces Node's globals with those of a browser, and the cache still works.
import { createCache } from 'tiercache'
import { MemoryServer, memoryTier } from 'tiercache/testing'
import { expect, test } from 'vitest'

test('a cache with an L2 works in a browser-like environment', async () => {
  expect(globalThis).toHaveProperty('document.nodeType', 9)
  const cache = createCache({ l2: memoryTier(new MemoryServer()) })
  const caller = new AbortController()
  expect(await cache.getOrSet('k', () => new Uint8Array([1, 2]), { signal: caller.signal })).toEqual(
    new Uint8Array([1, 2]),
  )
  await cache.drain()
  expect(await cache.getOrSet('k', () => 'loaded again', { tiers: 'l2' })).toEqual(new Uint8Array([1, 2]))
  expect(await cache.delete('k')).toBe('applied')
  await cache.close()
})
