// A load whose loader has returned.
import type { AtMs } from '../../model/entry.js'
import type { Tags } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Flight } from '../flights/flight.js'
import type { StoreRight } from '../leases/store-right.js'
import type { CarriedLabels } from '../tokens/token-reader.js'
import type { Loaded } from './run-loader.js'

/** A finished load with all that decides where its value may go. */
export interface Finished {
  readonly scope: CallScope
  readonly policy: Policy
  readonly userKey: string
  readonly tags: Tags<never> | undefined
  readonly flight: Flight
  readonly loaded: Loaded
  readonly carried: CarriedLabels
  readonly right: StoreRight
  readonly startedAtMs: AtMs
  /** How long the loader took. */
  readonly tookMs: Milliseconds
  /** The bus's position before the load began. */
  readonly since: string | undefined
  /** The token table's epoch before the load began. */
  readonly epoch: number
}
