// All that a `RemoteStore` promises, as cases.
import { type ConformanceCase, type Deviations, withoutDeviations } from '../case.js'
import { againCases } from './again.js'
import { changeCases } from './changes.js'
import { entryCases } from './entries.js'
import { fenceCases } from './fences.js'
import { holdCases } from './holds.js'
import { heldAgainCases } from './holds-again.js'
import { labelCases } from './labels.js'
import { lifeCases } from './life.js'
import { logCases } from './log.js'

/**
 * The cases that a `RemoteStore` has to pass. `Peer.store` is what they test; those that need `'log'` also use `Peer.bus`.
 *
 * ```ts
 * for (const each of storeCases({ log: 'this store is used with another bus' })) {
 *   test(each.name, () => each.run(makeContext()))
 * }
 * ```
 */
export function storeCases(deviations: Deviations = {}): ConformanceCase[] {
  const ofEntries = [...entryCases, ...fenceCases, ...changeCases, ...againCases]
  const cases = [...ofEntries, ...labelCases, ...holdCases, ...heldAgainCases, ...logCases, ...lifeCases]
  return withoutDeviations(cases, deviations)
}
