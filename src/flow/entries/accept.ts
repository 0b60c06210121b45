// Prepares a value before it is used: the rules of the cache check it, then it passes through the schema.
// L2 keeps the schema's input; callers and L1 get its output. So a key has one type, and no value passes the schema twice.
import { isDeepStrictEqual } from 'node:util'
import { CacheError } from '../../model/errors.js'
import type { Policy } from '../../model/options/policy.js'
import { foreignReason, foreignText } from '../../model/text/foreign-text.js'
import type { StandardSchema } from '../../model/values/schema.js'
import type { ValueRules } from '../../model/values/value-rules.js'

/** A value that was checked and validated. */
export interface Accepted {
  /** What callers get and L1 keeps. */
  readonly value: unknown
  /** What L2 keeps. */
  readonly input: unknown
  /** Why no tier may keep it. Its callers get it nevertheless. */
  readonly refusal: CacheError | undefined
  /** `false` if it is not known what L2 would have to keep. */
  readonly isForL2: boolean
}

/** Throws or rejects with `SCHEMA_MISMATCH`. Returns a promise only if the schema does. */
export function accept(rules: ValueRules, policy: Policy, given: unknown): Accepted | Promise<Accepted> {
  const { value: input, refusal } = acceptByRules(rules, policy, given)
  if (policy.schema === undefined || isAbsent(input)) return { value: input, input, refusal, isForL2: true }
  const value = validate(policy.schema, input)
  const finish = (output: unknown): Accepted => {
    // L2 keeps plain data. The schema may return more than that, but nothing that only one reader can use.
    const unusable = output === input ? undefined : refusalOfOutput(rules, output)
    return { value: output, input, refusal: refusal ?? unusable, isForL2: true }
  }
  return value instanceof Promise ? value.then(finish) : finish(value)
}

/**
 * For a stale value that is renewed and has passed the schema before. The input that L2 must keep is known only if the schema accepts
 * the value again and returns it unchanged; otherwise L2 keeps nothing.
 */
export async function acceptAgain(rules: ValueRules, policy: Policy, value: unknown): Promise<Accepted> {
  const again: Accepted = { value, input: value, refusal: refusalOfOutput(rules, value), isForL2: true }
  if (policy.schema === undefined || isAbsent(value)) return again
  try {
    return { ...again, isForL2: isDeepStrictEqual(await validate(policy.schema, value), value) }
  } catch {
    return { ...again, isForL2: false } // the schema rejects its own output
  }
}

function refusalOfOutput(rules: ValueRules, output: unknown): CacheError | undefined {
  try {
    rules.checkReusable(output)
    return undefined
  } catch (error) {
    if (error instanceof CacheError) return error
    throw error
  }
}

/** `undefined` and `null` mean that there is no value, so a schema has nothing to validate. */
export function isAbsent(value: unknown): value is undefined | null {
  return value === undefined || value === null
}

function acceptByRules(
  rules: ValueRules,
  policy: Policy,
  value: unknown,
): { readonly value: unknown; readonly refusal: CacheError | undefined } {
  try {
    return { value: rules.accept(value, policy.tiers === 'l1' ? 'memory' : 'everywhere'), refusal: undefined }
  } catch (error) {
    if (error instanceof CacheError) return { value, refusal: error }
    throw error
  }
}

/** What the schema returns for `value`. Throws or rejects with `SCHEMA_MISMATCH`. */
export function validate(schema: StandardSchema, value: unknown): unknown {
  let result: ReturnType<StandardSchema['~standard']['validate']>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    throw schemaThrew(error)
  }
  if (!(result instanceof Promise)) return outputOf(result)
  return result.then(outputOf, (error: unknown) => {
    throw schemaThrew(error)
  })
}

const MAX_ISSUES = 10

function outputOf(result: Awaited<ReturnType<StandardSchema['~standard']['validate']>>): unknown {
  if (result.issues === undefined) return result.value
  // Validators may put the value itself into their issues, so only the fields of the standard are reported.
  const issues = result.issues.map(({ message, path }) => ({ message: foreignText(String(message)), path }))
  const shown = issues.slice(0, MAX_ISSUES).map(({ message, path }) => `${pathOf(path)}${message}`)
  const problem = [...shown, ...(issues.length > MAX_ISSUES ? [`and ${issues.length - MAX_ISSUES} more`] : [])].join(
    '; ',
  )
  const cause = { issues }
  throw new CacheError('SCHEMA_MISMATCH', `expected a value that satisfies the schema; ${problem}`, { cause })
}

function pathOf(path: ReadonlyArray<PropertyKey | { readonly key: PropertyKey }> | undefined): string {
  if (path === undefined || path.length === 0) return ''
  return `${foreignText(path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.'))}: `
}

function schemaThrew(cause: unknown): CacheError {
  return new CacheError(
    'SCHEMA_MISMATCH',
    `expected the schema to validate the value; it threw: ${foreignReason(cause)}`,
    {
      cause,
    },
  )
}
