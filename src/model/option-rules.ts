// Checks of options and arguments. Each returns the value, or throws `INVALID_OPTION` with what was expected, what was given, and a fix.
import { CacheError, show } from './errors.js'
import { ownOptions } from './own-options.js'

/**
 * Checks that `options` is an object with no properties but those in `known`. `what` names it in the error, such as `createCache`. Returns
 * it without properties of a polluted `Object.prototype`.
 */
export function checkNames<T>(options: T, known: readonly string[], what: string): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(what, 'an object', options)
  }
  const own = ownOptions(options)
  for (const name in own) if (!known.includes(name)) throw unknownName(name, known, what)
  return own
}

/** The error for an unknown option, with the nearest known name or all of them. */
export function unknownName(name: string, known: readonly string[], what: string): CacheError {
  const nearest = nearestOf(name, known)
  const hint = nearest === undefined ? `Known are ${known.join(', ')}` : `Did you mean ${nearest}?`
  return new CacheError('INVALID_OPTION', `${what} has no option ${show(name)}. ${hint}`)
}

/** Checks a whole number from `least` to `most`. Infinity is allowed if it is `most`. */
export function checkCount(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most && (Number.isInteger(value) || value === Infinity)) {
    return value
  }
  const upTo = most === Infinity ? 'or more, or Infinity' : `to ${most}`
  throw invalid(name, `a whole number, ${least} ${upTo}`, value)
}

/** Checks a finite number from `least` to `most`. */
export function checkNumber(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most) return value
  throw invalid(name, most === Infinity ? `a number of ${least} or more` : `a number from ${least} to ${most}`, value)
}

/** Checks that `value` is one of `choices`. */
export function checkOneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  for (const choice of choices) if (value === choice) return choice
  throw invalid(name, choices.map((choice) => `'${choice}'`).join(' or '), value)
}

/** Checks a boolean. */
export function checkBoolean(value: unknown, name: string): boolean {
  if (typeof value === 'boolean') return value
  throw invalid(name, 'true or false', value)
}

/** Checks an object or function with these methods, which is how a port is recognised. `expected` completes "must be". */
export function checkMethods<T>(value: T, name: string, methods: readonly string[], expected: string): T {
  const given = value as Readonly<Record<string, unknown>> | null | undefined
  if (
    (typeof given === 'object' || typeof given === 'function') &&
    given !== null &&
    methods.every((method) => typeof given[method] === 'function')
  )
    return value
  throw invalid(name, expected, value)
}

/**
 * Checks the options argument of `method`: `undefined`, or an object with no properties but those in `known`. `hint` ends the message and
 * says what the caller may have meant. Returns it without properties of a polluted `Object.prototype`.
 */
export function checkOptions<T>(options: T, known: readonly string[], method: string, hint = ''): T {
  if (options === undefined) return options
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new CacheError(
      'INVALID_OPTION',
      `the options of ${method} must be an object with ${known.join(', ')}; got ${show(options)}${hint}`,
    )
  }
  const own = checkNames(options, known, method)
  const { signal } = own as { readonly signal?: unknown }
  if (signal !== undefined && !isSignal(signal)) throw invalid('signal', 'an AbortSignal', signal)
  return own
}

/** Whether `value` can be used as an AbortSignal, of any realm. */
export function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
}

/** Refuses further arguments, which would otherwise be ignored silently. `takes` says what `what` takes. */
export function refuseMore(others: readonly unknown[], what: string, takes: string): void {
  if (others.length === 0) return
  throw new CacheError('INVALID_OPTION', `${what} takes ${takes}; got ${show(others[0])} as well`)
}

/** The error for an option that would be ignored. `why` completes "has no effect". */
export function withoutEffect(name: string, why: string): CacheError {
  return new CacheError('INVALID_OPTION', `${name} has no effect ${why}. Leave it out, or set up what it needs`)
}

/** Throws the error for `new` of a class that users may import for `instanceof` and injection, but not construct. `how` is the call that makes one. */
export function refuseNew(className: string, how: string): never {
  throw new CacheError(
    'INVALID_OPTION',
    `expected ${how}; got new ${className}(), which only the cache itself can call`,
  )
}

/** The error for a wrong value. `expected` completes "must be". */
export function invalid(name: string, expected: string, value: unknown): CacheError {
  return new CacheError('INVALID_OPTION', `${name} must be ${expected}; got ${show(value)}`)
}

/** The known name that is most like `name`, if at most about a third of its letters differ. */
export function nearestOf(name: string, known: readonly string[]): string | undefined {
  let nearest: string | undefined
  let least = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < least && distance <= Math.ceil(candidate.length / 3)) {
      nearest = candidate
      least = distance
    }
  }
  return nearest
}

/** The Levenshtein distance, computed row by row. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 16) return Number.POSITIVE_INFINITY
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
