// All that a `RemoteStore` promises, as cases.
import { type ConformanceCase, type Deviations, withoutDeviations } from './case.js'
import { againCases } from './store-again.js'
import { changeCases } from './store-changes.js'
import { entryCases } from './store-entries.js'
import { fenceCases } from './store-fences.js'
import { holdCases } from './store-holds.js'
import { heldAgainCases } from './store-holds-again.js'
import { labelCases } from './store-labels.js'
import { lifeCases } from './store-life.js'
import { logCases } from './store-log.js'

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
