// Why the writer refused a value. Runs only then: it may be slow.

import { CacheError } from '../model/errors.js'
import { search } from '../model/values/data-search.js'
import { RefusedValue } from '../model/values/refused-value.js'
import type { OverBudget } from './decode-budget.js'

/** The error for a value that the writer refused. `cause` is what it threw, if that says more. */
export function unsupported(root: unknown, cause: unknown): CacheError {
  const findings = search(root, { extensions: [], others: 'refuse', code: 'refuse' })
  if (typeof findings !== 'string') return new RefusedValue(findings, { cause: cause ?? findings.cause })
  const message = 'the value could not be read while it was encoded for L2; see cause'
  return new CacheError('UNSUPPORTED_VALUE', message, { cause })
}

/** The error for a value that takes more than a reader allows. */
export function overBudget(root: unknown, problem: OverBudget): CacheError {
  if (problem.of === 'part') return unsupported(root, undefined)
  return new RefusedValue({ path: 'value', what: problem.message, cure: 'Cache it in parts, or raise maxValueBytes' })
}
