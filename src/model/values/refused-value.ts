// The error for a value that no tier keeps. It names the place and type of the refused part, and a fix.
import { CacheError } from '../errors.js'

/** The part of a value that cannot be kept. */
export interface Refusal {
  /** Such as `value.order.lines[2]`. */
  readonly path: string
  /** Such as `an instance of Decimal`. */
  readonly what: string
  /** A sentence that says what to do. */
  readonly cure: string
}

/** An `UNSUPPORTED_VALUE` with the reason of the refusal, so that each reason is reported once. */
export class RefusedValue extends CacheError {
  /** The reason: the type of the refused part, without its place. */
  readonly kind: string

  constructor(refusal: Refusal, options?: { cause?: unknown }) {
    const { path, what, cure } = refusal
    super('UNSUPPORTED_VALUE', `expected plain data; ${shorten(path)} is ${what}. ${cure}`, options)
    this.kind = what
  }
}

/** Whether the error says that no tier keeps a value because of its content. Such errors have a notice of their own. */
export function isAboutValue(error: unknown): error is CacheError {
  return error instanceof CacheError && (error.code === 'UNSUPPORTED_VALUE' || error.code === 'SCHEMA_MISMATCH')
}

/** The reason of the refusal, the same for all values that are refused for it. */
export function kindOfRefusal(error: Error): string {
  return error instanceof RefusedValue ? error.kind : String((error as { readonly code?: unknown }).code)
}

const LONGEST_PATH = 200

function shorten(path: string): string {
  return path.length > LONGEST_PATH ? `${path.slice(0, 80)}...${path.slice(-110)}` : path
}
