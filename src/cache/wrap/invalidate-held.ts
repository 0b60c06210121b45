// Invalidation with a hold where the public verb has no place for options: its arguments are those of a function, or none.
import type { WriteResult } from '../../flow/sync/outbox.js'
import { invalid } from '../../model/option-rules.js'
import type { Milliseconds } from '../../model/ports.js'

/** The name of a method that is not public. A registered symbol, so that the ESM and the CommonJS build share it. */
export const INVALIDATE_HELD: unique symbol = Symbol.for('tiercache.invalidateHeld') as never

/** Invalidates what `invalidate(...args)` would, with a hold. */
export type InvalidateHeld = (this: unknown, holdMs: Milliseconds, args: readonly unknown[]) => Promise<WriteResult>

/** The method of a wrapped function or of a list. Throws `INVALID_OPTION` for an object of the user's own. */
export function heldBy(from: object): InvalidateHeld {
  const held = (from as { readonly [INVALIDATE_HELD]?: InvalidateHeld })[INVALIDATE_HELD]
  if (typeof held === 'function') return held
  throw invalid(
    'what is invalidated with hold',
    'a source, a wrapped function, a cached method or a list of this cache',
    from,
  )
}
