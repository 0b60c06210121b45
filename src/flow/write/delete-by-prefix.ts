// Removes all keys with one prefix: from L2 by a scan of all its keys, from the L1 of every process by one announcement.

import { keptKeyOf } from '../../codec/entry-codec.js'
import { CacheError, show } from '../../model/errors.js'
import { hashedPrefixOf, localKey, type Space, storePrefixOf } from '../../model/keys/key.js'
import type { Bytes } from '../../model/ports.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { Core } from '../core.js'
import type { CallScope } from '../flights/call-scope.js'

/**
 * First in this process, then in L2, then in the other processes. Then in this process once more, since it may have read meanwhile what
 * was just being removed. Returns how many entries L2 had, or L1 if there is no L2.
 */
export async function deleteByPrefix(
  core: Pick<Core, 'clock' | 'remote' | 'local' | 'publisher' | 'journal' | 'recorder' | 'assertOpen'>,
  scope: CallScope,
  prefix: string,
  signal: AbortSignal | undefined,
): Promise<number> {
  const { space } = scope
  core.assertOpen()
  const storePrefix = storePrefixOf(space, prefix)
  if (storePrefix === undefined) {
    throw new CacheError(
      'INVALID_KEY',
      `a prefix must be well-formed text of at most 512 bytes, since L2 cannot be searched for a longer one; got ${show(prefix)}`,
    )
  }
  signal?.throwIfAborted()
  const localPrefix = localKey(space, prefix)
  core.journal.prefixesOvertaken([localPrefix])
  const inL1 = core.local.forgetPrefix(localPrefix)
  const inL2 = core.remote && (await deleteInL2(core.remote.tier, space, prefix, storePrefix, signal))
  const isAnnounced = await core.publisher.publishPrefix(localPrefix)
  core.local.forgetPrefix(localPrefix)
  core.recorder.invalidatedHere('deleteByPrefix', scope, [])
  core.recorder.history.prefixDeleted(localPrefix, undefined, core.clock.nowMs())
  if (isAnnounced) return inL2 ?? inL1
  throw new CacheError(
    'L2_UNAVAILABLE',
    'expected the removal to be announced to the other processes; it could not be. The keys are removed from L2, not from the memory ' +
      'of the other processes: call it again',
  )
}

/** Long keys are hashed in L2, so only their entries show the key. An entry that does not show it is removed, too: that is a miss. */
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
