// Keeps a lease or a write fence alive while its load or write goes on.
import type { Bytes, Milliseconds } from '../../model/ports.js'
import type { Core, Remote } from '../core.js'

/**
 * Renews the life of `storeKey`, by `keepMs` at a time, as long as its value begins with `stamp`. Returns a function that stops it. If
 * this process dies, the others wait for the rest of one life at most.
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
      core.background.run('renew a lease or fence', async () => {
        const reply = await remote.tier.extend(storeKey, stamp, keepMs)
        // Refused: it was removed or replaced, so nothing is left to renew. Its load or write will notice that by itself.
        if (!isOver && reply !== 'refused') plan()
      })
    })
  }
  plan()
  return () => {
    isOver = true
    cancel()
  }
}
