// The rules that options are held to. Each answers the value, or throws `INVALID_OPTION` with what was expected, what came, and a way out.
import { CacheError, show } from './errors.js'
import { ownOptions } from './own-options.js'

/** An object whose every property is in `known`, as `ownOptions` says; `what` names it, such as 'option of createCache'. */
export function checkNames<T>(options: T, known: readonly string[], what: string): T {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw invalid(what, 'an object', options)
  }
  const own = ownOptions(options)
  for (const name in own) if (!known.includes(name)) throw unknownName(name, known, what)
  return own
}

export function unknownName(name: string, known: readonly string[], what: string): CacheError {
  const nearest = nearestOf(name, known)
  const hint = nearest === undefined ? `Known are ${known.join(', ')}` : `Did you mean ${nearest}?`
  return new CacheError('INVALID_OPTION', `${what} has no option ${show(name)}. ${hint}`)
}

/** A whole number from `least` to `most`, or Infinity where `most` is. */
export function checkCount(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && value >= least && value <= most && (Number.isInteger(value) || value === Infinity)) {
    return value
  }
  const upTo = most === Infinity ? 'or more, or Infinity' : `to ${most}`
  throw invalid(name, `a whole number, ${least} ${upTo}`, value)
}

/** A finite number from `least` to `most`. */
export function checkNumber(value: unknown, name: string, least: number, most: number): number {
  if (typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most) return value
  throw invalid(name, most === Infinity ? `a number of ${least} or more` : `a number from ${least} to ${most}`, value)
}

export function checkOneOf<T extends string>(value: unknown, name: string, choices: readonly T[]): T {
  for (const choice of choices) if (value === choice) return choice
  throw invalid(name, choices.map((choice) => `'${choice}'`).join(' or '), value)
}

/** An object with these methods: how a port is recognised. */
export function checkMethods<T>(value: T, name: string, methods: readonly string[], fix: string): T {
  const held = value as Readonly<Record<string, unknown>> | null | undefined
  if (
    (typeof held === 'object' || typeof held === 'function') &&
    held !== null &&
    methods.every((method) => typeof held[method] === 'function')
  )
    return value
  throw invalid(name, fix, value)
}

/**
 * An argument for options of which `method` knows those of `known`, and nothing else, as `ownOptions` says; `hint` says what may have been
 * meant.
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

export function isSignal(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'aborted' in value && 'addEventListener' in value
}

/** Refuses arguments beyond those that `what` takes, which would be ignored in silence. `takes` says what to pass. */
export function refuseMore(others: readonly unknown[], what: string, takes: string): void {
  if (others.length === 0) return
  throw new CacheError('INVALID_OPTION', `${what} takes ${takes}; got ${show(others[0])} besides`)
}

/** An option that would be ignored; `why` completes "has no effect". */
export function withoutEffect(name: string, why: string): CacheError {
  return new CacheError('INVALID_OPTION', `${name} has no effect ${why}. Leave it out, or give what it needs`)
}

export function invalid(name: string, expected: string, value: unknown): CacheError {
  return new CacheError('INVALID_OPTION', `${name} must be ${expected}; got ${show(value)}`)
}

/** The known name that differs in at most about a third of its letters. */
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

/** Levenshtein's, row by row. */
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
