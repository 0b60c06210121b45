// Removes all keys of one beginning: from L2 by looking at every key there is, from L1 of every process by one announcement.

import { keptKeyOf } from '../../codec/entry-codec.js'
import { CacheError, show } from '../../model/errors.js'
import { hashedPrefixOf, localKey, type Space, storePrefixOf } from '../../model/keys/key.js'
import type { Bytes } from '../../model/ports.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { Core } from '../core.js'

/**
 * This process first, then L2, then the others; and this one once more, since what it read meanwhile may be what was just being removed.
 * Answers how many entries L2 had, or L1 where there is no L2.
 */
export async function deleteByPrefix(
  core: Pick<Core, 'clock' | 'remote' | 'local' | 'publisher' | 'journal' | 'recorder' | 'assertOpen'>,
  space: Space,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  core.assertOpen()
  const storePrefix = storePrefixOf(space, prefix)
  if (storePrefix === undefined) {
    throw new CacheError(
      'INVALID_KEY',
      `a prefix must be well-formed text of at most 512 bytes, since a longer one cannot be looked for in L2; got ${show(prefix)}`,
    )
  }
  signal?.throwIfAborted()
  const localPrefix = localKey(space, prefix)
  core.journal.prefixesOvertaken([localPrefix])
  const inL1 = core.local.forgetPrefix(localPrefix)
  const inL2 = core.remote && (await deleteInL2(core.remote.tier, space, prefix, storePrefix, signal))
  const isAnnounced = await core.publisher.publishPrefix(localPrefix)
  core.local.forgetPrefix(localPrefix)
  core.recorder.invalidatedHere('deleteByPrefix', space, [])
  core.recorder.history.prefixDeleted(localPrefix, undefined, core.clock.nowMs())
  if (isAnnounced) return inL2 ?? inL1
  throw new CacheError(
    'L2_UNAVAILABLE',
    'expected the other processes to be told; they could not be. The keys are removed from L2: call it again',
  )
}

/** Long keys are hashed there, so their entries have to say which they are. One that does not say it goes, too: that is a miss. */
async function deleteInL2(
  tier: RemoteTier,
  space: Space,
  prefix: string,
  storePrefix: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const readable = await tier.deleteByPrefix(storePrefix, signal)
  const fullPrefix = `${space.scope}:${prefix}`
  const isMeant = (head: Bytes) => keptKeyOf(head)?.startsWith(fullPrefix) !== false
  return readable + (await tier.deleteByPrefix(hashedPrefixOf(space), signal, isMeant))
}
