// Limits for data of which a few bytes take much memory or time to create. All tiers have the same verdict: the check of a value, the
// writer and the reader use these limits.

/** The total length of all arrays with holes in one value. */
export const MAX_SPARSE_LENGTH = 1_000_000
/** The total length of the sources of all RegExps in one value. V8 takes up to 10 microseconds per character to create one. */
export const MAX_REGEXP_CHARACTERS = 32_768
/** The property escapes (`\p{…}`) of all RegExps in one value together. With the flag `v` each counts as `V_ESCAPE`. */
export const MAX_PROPERTY_ESCAPES = 100
/** V8 takes 20 to 40 ms for `\p{RGI_Emoji}`, and less than 1 ms for a property without `v`. */
const V_ESCAPE = 25
/** Hexadecimal digits, 65,536 bits. Printing a BigInt takes quadratic time. */
export const MAX_BIGINT_DIGITS = 16_384
/** Own properties of one error. */
export const MAX_ERROR_PROPERTIES = 1_000

const MAX_BIGINT = 16n ** BigInt(MAX_BIGINT_DIGITS)

/** Counts over one value. Each method returns `undefined`, or what exceeds a limit, as the text that follows "is" in the error. */
export class DataLimits {
  #sparseLength = 0
  #regexpCharacters = 0
  #propertyEscapes = 0

  sparse(length: number): string | undefined {
    this.#sparseLength += length
    if (this.#sparseLength <= MAX_SPARSE_LENGTH) return undefined
    return `an array with holes; all such arrays of a value together may have a length of at most ${MAX_SPARSE_LENGTH}`
  }

  regexp(source: string, flags: string): string | undefined {
    this.#regexpCharacters += source.length
    if (this.#regexpCharacters > MAX_REGEXP_CHARACTERS) {
      return `a RegExp; all RegExps of a value together may have at most ${MAX_REGEXP_CHARACTERS} characters`
    }
    this.#propertyEscapes += propertyEscapesIn(source) * (flags.includes('v') ? V_ESCAPE : 1)
    if (this.#propertyEscapes <= MAX_PROPERTY_ESCAPES) return undefined
    const most = `at most ${MAX_PROPERTY_ESCAPES} property escapes, or ${MAX_PROPERTY_ESCAPES / V_ESCAPE} with the flag v`
    return `a RegExp; all RegExps of a value together may have ${most}`
  }

  error(properties: number): string | undefined {
    return properties > MAX_ERROR_PROPERTIES
      ? `an error with more than ${MAX_ERROR_PROPERTIES} properties of its own`
      : undefined
  }

  bigint(value: bigint): string | undefined {
    return isSmallBigint(value) ? undefined : `a BigInt of more than ${MAX_BIGINT_DIGITS * 4} bits`
  }
}

/** Whether a BigInt is within its limit. */
export function isSmallBigint(value: bigint): boolean {
  return value < MAX_BIGINT && value > -MAX_BIGINT
}

/** Whether a RegExp is so small that about a hundred of them are within the limits. */
export function isSmallRegExp({ source }: RegExp): boolean {
  return source.length <= SMALL_SOURCE && propertyEscapesIn(source) === 0
}

const SMALL_SOURCE = 256

/** The number of property escapes. It also counts what only looks like one, as in `\\p`. */
function propertyEscapesIn(source: string): number {
  let escapes = 0
  for (let at = source.indexOf('\\'); at !== -1; at = source.indexOf('\\', at + 1)) {
    const next = source.charCodeAt(at + 1) | 0x20
    if (next === 0x70) escapes++
  }
  return escapes
}
