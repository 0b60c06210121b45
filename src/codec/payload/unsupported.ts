// Why a value cannot be encoded. Runs only then: it may be slow.

import { CacheError } from '../../model/errors.js'
import { search } from '../../model/values/data-search.js'
import { RefusedValue } from '../../model/values/refused-value.js'
import { OverBudget } from './decode-budget.js'
import { REFUSED } from './hole-maker.js'

/** The error for a value whose encoding threw `thrown`, which is its `cause` if that says more. */
export function unsupported(root: unknown, thrown: unknown): CacheError {
  if (thrown instanceof CacheError) return thrown
  if (thrown instanceof OverBudget && thrown.of === 'whole')
    return new RefusedValue({ path: 'value', what: thrown.message, cure: 'Cache it in parts, or raise maxValueBytes' })
  const cause = thrown === REFUSED || thrown instanceof OverBudget ? undefined : thrown
  const findings = search(root, { extensions: [], others: 'refuse', code: 'refuse' })
  if (typeof findings !== 'string') return new RefusedValue(findings, { cause: cause ?? findings.cause })
  const message = 'the value could not be read while it was encoded for L2; see cause'
  return new CacheError('UNSUPPORTED_VALUE', message, { cause })
}
