// One call of `update` with its options resolved, and how one of its attempts ends.
import type { Label } from '../../model/labels.js'
import type { WriteOptions } from '../../model/options/options.js'
import type { Policy } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import type { CallScope } from '../flights/call-scope.js'

export interface UpdateJob {
  /** With the version of the call. */
  readonly scope: CallScope
  /** With the options of the call. */
  readonly policy: Policy
  readonly userKey: string
  readonly localKey: string
  /** The options that concern the new value. */
  readonly write: WriteOptions<never>
  /** The labels that are known before the value: scopes and listed tags. */
  readonly labels: readonly Label[]
  /** The longest life of the new value. */
  readonly longestMs: Milliseconds
  readonly signal: AbortSignal | undefined
  /** Calls the user's function. Rejects with what it throws, and with the reason of `signal`. */
  call(value: unknown, found: boolean): Promise<Returned>
}

/** What the user's function returned, and the options for that value. */
export interface Returned {
  readonly value: unknown
  readonly write: WriteOptions<never>
}

/** How one attempt ended: the value was stored, the function left it as it was, or another change came in between. */
export type Attempted =
  | { readonly kind: 'stored' | 'unchanged'; readonly value: unknown }
  | { readonly kind: 'conflict' }

export const CONFLICT: Attempted = { kind: 'conflict' }
