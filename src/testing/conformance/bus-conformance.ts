// All that a `Bus` promises, as cases.
import { messageCases } from './bus-messages.js'
import { trustCases } from './bus-trust.js'
import { type ConformanceCase, type Deviations, withoutDeviations } from './case.js'

/**
 * The cases that a `Bus` has to pass. `Peer.bus` is what they test; a bus that announces by `'store'` or `'none'` needs `Peer.store`
 * as well. A bus that announces by `'none'` deviates in `'announcements'`, all others in `'changes'`.
 */
export function busCases(deviations: Deviations = {}): ConformanceCase[] {
  return withoutDeviations([...messageCases, ...trustCases], deviations)
}
