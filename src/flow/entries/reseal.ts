// Seals a value again that has waited for L2: its tokens may have changed meanwhile.
import type { Change } from '../../model/ports.js'
import type { PendingChange } from '../sync/pending-change.js'
import type { TokenReader } from '../tokens/token-reader.js'
import type { RemoteEntries } from './remote-entries.js'

/** `undefined` if the current tokens are not available. */
export async function reseal(
  { plan, change }: PendingChange,
  entries: RemoteEntries | undefined,
  tokenReader: TokenReader,
): Promise<Change | undefined> {
  if (plan === undefined || change.op !== 'put' || entries === undefined) return undefined
  const carried = await tokenReader.carry(plan.labels.labels, change.keepMs)
  // A label that is held makes it no good for L2.
  if (!carried.isGoodForL2) return undefined
  return { ...change, bytes: entries.seal({ ...plan, labels: carried.set }) }
}
