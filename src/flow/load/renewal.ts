// Keeping a lease or a fence alive while what it stands for goes on.
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { Core, Remote } from '../core.js'

/**
 * Renews the life of `storeKey`, `keepMs` at a time, as long as it begins with `stamp`; answers what stops it. If this process dies,
 * the others wait for what is left of one life and no longer.
 */
export function keepRenewing(
  core: Pick<Core, 'clock' | 'background'>,
  remote: Remote,
  storeKey: string,
  stamp: Bytes,
  keepMs: Milliseconds,
): () => void {
  let isOver = false
  let cancel: () => void = () => undefined
  const plan = () => {
    cancel = core.clock.after(keepMs / 3, () => {
      core.background.run('renew', async () => {
        const answer = await remote.tier.extend(storeKey, stamp, keepMs)
        // Refused: somebody took it away. What it was for will find that out by itself; nothing is left to renew.
        if (!isOver && answer !== 'refused') plan()
      })
    })
  }
  plan()
  return () => {
    isOver = true
    cancel()
  }
}
