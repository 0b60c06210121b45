// One call that may load, after a hit in L1 was ruled out: its options, checked and resolved.
import type { CallWindows } from '../../model/options/call-windows.js'
import type { Loader, Tags } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { CallScope } from './call-scope.js'

/** One `getOrSet` or refresh. */
export interface LoadRequest {
  readonly scope: CallScope
  readonly userKey: string
  readonly localKey: string
  readonly policy: Policy
  /** The ages that this call accepts, if it sets them. Other callers of the same load may accept more. */
  readonly windows: CallWindows | undefined
  readonly load: Loader<unknown>
  readonly tags: Tags<never> | undefined
  readonly signal: AbortSignal | undefined
}
