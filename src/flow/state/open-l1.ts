// Makes L1, and reports its evictions and its trouble.
import { type Space, scopeOf, userKeyOf } from '../../model/keys/key.js'
import type { CachePolicy } from '../../model/options/cache-policy.js'
import { Ghosts } from '../../tiers/ghosts.js'
import { MemoryTier } from '../../tiers/memory-tier.js'
import type { Recorder } from '../events/recorder.js'

/** `undefined` where the cache has no L1. */
export function openL1({ memory, l2, values }: CachePolicy, space: Space, recorder: Recorder): MemoryTier | undefined {
  if (memory === undefined) return undefined
  const tooLarge = (localKey: string, bytes: number) => {
    // With an L2, a value above `maxEntryBytes` is kept there on purpose.
    if (l2 === undefined || bytes <= memory.maxEntryBytes) recorder.notices.tooLargeForL1(userKeyOf(localKey), bytes)
  }
  const evicted = (localKey: string) => recorder.evicted(scopeOf(localKey, space.scope), localKey)
  const l1 = new MemoryTier(memory, evicted, tooLarge, values.extensions)
  l1.onChanged = (localKey) => recorder.notices.valueChanged(scopeOf(localKey, space.scope), localKey)
  if (memory.ghosts) l1.ghosts = new Ghosts()
  return l1
}
