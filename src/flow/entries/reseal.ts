// Seals a value again that has waited for L2: its tokens may have changed meanwhile.
import type { Change } from '../../model/ports.js'
import type { Core } from '../core.js'
import { keepMsOf } from '../state/seal-plan.js'
import type { PendingChange } from '../sync/pending-change.js'
import type { RemoteEntries } from './remote-entries.js'

/** `undefined` if the current tokens are not available, or if nobody has read the value for its idle life: it is gone. */
export async function reseal(
  { plan, change }: PendingChange,
  entries: RemoteEntries | undefined,
  { clock, tokenReader }: Pick<Core, 'clock' | 'tokenReader'>,
): Promise<Change | undefined> {
  if (plan === undefined || change.op !== 'put' || entries === undefined) return undefined
  if (plan.idle !== undefined && clock.nowMs() >= plan.idle.untilMs) return undefined
  const carried = await tokenReader.carry(plan.labels.labels, keepMsOf(plan.life))
  // A label that is held makes it no good for L2.
  if (!carried.isGoodForL2) return undefined
  return { ...change, bytes: entries.seal({ ...plan, labels: carried.set }) }
}
