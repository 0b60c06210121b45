// What data may not be beyond its kind: a few bytes of these make much, or take long to make. One verdict for all tiers: the check
// of a value, the writer and the reader count with it.

/** All arrays with holes of one value together, in elements. */
export const MAX_SPARSE_LENGTH = 1_000_000
/** The sources of all RegExps of one value together. V8 takes up to 10 microseconds a character to make one. */
export const MAX_REGEXP_CHARACTERS = 32_768
/** Of all RegExps of one value together; the flag `v` makes each count as much as `V_ESCAPE`. */
export const MAX_PROPERTY_ESCAPES = 100
/** `\p{RGI_Emoji}` takes V8 20 to 40 ms, a property without `v` less than 1. */
const V_ESCAPE = 25
/** 65,536 bits. To print one takes quadratic time. */
export const MAX_BIGINT_DIGITS = 16_384
export const MAX_ERROR_PROPERTIES = 1_000

const MAX_BIGINT = 16n ** BigInt(MAX_BIGINT_DIGITS)

/** Counts over one value. Each method returns what is too much, as it reads after "is", or `undefined`. */
export class DataLimits {
  #sparseLength = 0
  #regexpCharacters = 0
  #propertyEscapes = 0

  sparse(length: number): string | undefined {
    this.#sparseLength += length
    if (this.#sparseLength <= MAX_SPARSE_LENGTH) return undefined
    return `an array with holes, which together may have a length of ${MAX_SPARSE_LENGTH} at most`
  }

  regexp(source: string, flags: string): string | undefined {
    this.#regexpCharacters += source.length
    if (this.#regexpCharacters > MAX_REGEXP_CHARACTERS) {
      return `a RegExp, which together may have ${MAX_REGEXP_CHARACTERS} characters at most`
    }
    this.#propertyEscapes += propertyEscapesIn(source) * (flags.includes('v') ? V_ESCAPE : 1)
    if (this.#propertyEscapes <= MAX_PROPERTY_ESCAPES) return undefined
    const most = `${MAX_PROPERTY_ESCAPES} property escapes at most, or ${MAX_PROPERTY_ESCAPES / V_ESCAPE} with the flag v`
    return `a RegExp, which together may have ${most}`
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

export function isSmallBigint(value: bigint): boolean {
  return value < MAX_BIGINT && value > -MAX_BIGINT
}

/** Whether one RegExp is so little that about thirty of its like are within the limits. */
export function isSmallRegExp({ source }: RegExp): boolean {
  return source.length <= SMALL_SOURCE && propertyEscapesIn(source) === 0
}

const SMALL_SOURCE = 256

/** Also counts what only looks like one, such as in `\\p`. */
function propertyEscapesIn(source: string): number {
  let escapes = 0
  for (let at = source.indexOf('\\'); at !== -1; at = source.indexOf('\\', at + 1)) {
    const next = source.charCodeAt(at + 1) | 0x20
    if (next === 0x70) escapes++
  }
  return escapes
}
