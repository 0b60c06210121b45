// What a value becomes before anything is done with it: checked by the rules of the cache, then passed through the schema.
// L2 keeps what goes into the schema, callers and L1 get what comes out of it: so one key has one type, and no value passes twice.
import { isDeepStrictEqual } from 'node:util'
import { CacheError } from '../../model/errors.js'
import { foreignReason, foreignText } from '../../model/foreign-text.js'
import type { Policy } from '../../model/options/policy.js'
import type { StandardSchema } from '../../model/values/schema.js'
import type { ValueRules } from '../../model/values/value-rules.js'

/** A value made ready. */
export interface Accepted {
  /** What callers get and L1 keeps. */
  readonly value: unknown
  /** What L2 keeps. */
  readonly input: unknown
  /** Why no tier may keep it; its callers get it all the same. */
  readonly refusal: CacheError | undefined
  /** `false`: what L2 would have to keep is not known. */
  readonly isForL2: boolean
}

/** Throws, or rejects with, `SCHEMA_MISMATCH`. A promise only where the schema returns one. */
export function accept(rules: ValueRules, policy: Policy, given: unknown): Accepted | Promise<Accepted> {
  const { value: input, refusal } = acceptByRules(rules, policy, given)
  if (policy.schema === undefined || isAbsent(input)) return { value: input, input, refusal, isForL2: true }
  const value = validate(policy.schema, input)
  const finish = (output: unknown): Accepted => {
    // What L2 keeps is data; what the schema makes of it may be more, but must serve more than one reader.
    const unusable = output === input ? undefined : refusalOfOutput(rules, output)
    return { value: output, input, refusal: refusal ?? unusable, isForL2: true }
  }
  return value instanceof Promise ? value.then(finish) : finish(value)
}

/**
 * A value that has passed already and is to live on. What L2 is to keep of it is known only if it passes the schema once more and
 * stays what it is; else L2 keeps nothing.
 */
export async function acceptAgain(rules: ValueRules, policy: Policy, value: unknown): Promise<Accepted> {
  const again: Accepted = { value, input: value, refusal: refusalOfOutput(rules, value), isForL2: true }
  if (policy.schema === undefined || isAbsent(value)) return again
  try {
    return { ...again, isForL2: isDeepStrictEqual(await validate(policy.schema, value), value) }
  } catch {
    return { ...again, isForL2: false } // the schema does not take what it returned
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

/** `undefined` and `null` say that there is no value: there is nothing for a schema to look at. */
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

/** What the schema returns for `value`. Throws, or rejects with, `SCHEMA_MISMATCH`. */
export function validate(schema: StandardSchema, value: unknown): unknown {
  let result: ReturnType<StandardSchema['~standard']['validate']>
  try {
    result = schema['~standard'].validate(value)
  } catch (error) {
    throw thrown(error)
  }
  if (!(result instanceof Promise)) return outputOf(result)
  return result.then(outputOf, (error: unknown) => {
    throw thrown(error)
  })
}

const MAX_ISSUES = 10

function outputOf(result: Awaited<ReturnType<StandardSchema['~standard']['validate']>>): unknown {
  if (result.issues === undefined) return result.value
  // Validators put the value itself into their issues; of these only what the standard names is told.
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

function thrown(cause: unknown): CacheError {
  return new CacheError(
    'SCHEMA_MISMATCH',
    `expected the schema to validate the value; it threw: ${foreignReason(cause)}`,
    {
      cause,
    },
  )
}
