// The error for a value that no tier keeps: where the offender stands in it, of what type it is, and what helps.
import { CacheError } from '../errors.js'

/** What of a value cannot be kept. */
export interface Refusal {
  /** Such as `value.order.lines[2]`. */
  readonly path: string
  /** Such as `an instance of Decimal`. */
  readonly what: string
  readonly cure: string
}

/** An `UNSUPPORTED_VALUE` that knows what it is about, so that each kind of value is reported once. */
export class RefusedValue extends CacheError {
  /** The same for all values that are refused for the same reason: their type, not their place. */
  readonly kind: string

  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    const { path, what, cure } = refusal
    super('UNSUPPORTED_VALUE', `expected plain data; ${shorten(path)} is ${what}. ${cure}`, options)
    this.kind = what
  }
}

/** Whether no tier keeps a value for what it is: such an error has a notice of its own. */
export function isAboutValue(error: unknown): error is CacheError {
  return error instanceof CacheError && (error.code === 'UNSUPPORTED_VALUE' || error.code === 'SCHEMA_MISMATCH')
}

/** The same for values that are refused for the same reason. */
export function kindOfRefusal(error: Error): string {
  return error instanceof RefusedValue ? error.kind : String((error as { readonly code?: unknown }).code)
}

const LONGEST_PATH = 200

function shorten(path: string): string {
  return path.length > LONGEST_PATH ? `${path.slice(0, 80)}...${path.slice(-110)}` : path
}
