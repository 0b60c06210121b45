// Makes errors of clients and servers safe to log: clients attach the command, whose arguments may be a password, a key or a value, and
// servers repeat arguments in their messages.
import { foreignText } from '../../model/text/foreign-text.js'

/**
 * Errors of a cluster, and of several addresses tried one after the other, contain the real errors. Sentinel puts them into its message.
 */
interface Nested {
  readonly message?: unknown
  readonly code?: unknown
  readonly errors?: unknown
  readonly previousErrors?: unknown
  readonly lastNodeError?: unknown
  readonly cause?: unknown
}

const MAX_DEPTH = 4
/** How many errors on one level are read. */
const MAX_ERRORS = 8
/** The part of Redis's message on an unknown command that repeats its arguments, up to the end. */
const REPEATED_ARGUMENTS = /,? ?with args beginning with:[\s\S]*$/i

/** The message of an error and of those inside it, each with its code. */
export function textOf(error: unknown, depth = 0): string {
  if (typeof error !== 'object' || error === null) return foreignText(String(error))
  const own = messageOf(error)
  const { code } = error as Nested
  const parts = typeof code === 'string' && !own.includes(code) ? [own === '' ? code : `${own} (${code})`] : [own]
  if (depth < MAX_DEPTH) for (const each of innerOf(error)) parts.push(textOf(each, depth + 1))
  return [...new Set(parts.filter((part) => part !== ''))].join(': ')
}

function messageOf(error: object): string {
  const { message } = error as Nested
  return typeof message === 'string' ? foreignText(message.replace(REPEATED_ARGUMENTS, '')) : ''
}

function innerOf(error: object): readonly unknown[] {
  const { lastNodeError, cause, errors, previousErrors } = error as Nested
  const inner = [lastNodeError, cause, ...listOf(errors), ...listOf(previousErrors)]
  return inner.filter((each) => each !== undefined && each !== null).slice(0, MAX_ERRORS)
}

function listOf(errors: unknown): readonly unknown[] {
  return Array.isArray(errors) ? errors.slice(0, MAX_ERRORS) : []
}

/** The fields of a system error that are kept. */
const SYSTEM_FIELDS = ['code', 'errno', 'syscall', 'address', 'port', 'hostname'] as const
const HARMLESS: readonly string[] = [...SYSTEM_FIELDS, 'name', 'message', 'stack']

/**
 * The client's own error, or a copy with its message and without its other contents. The error itself belongs to the client and is never
 * changed.
 */
export function withoutCommand(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return typeof error === 'object' && error !== null ? textOf(error) : error
  const message = messageOf(error)
  const [inner, ...others] = depth < MAX_DEPTH ? innerOf(error).map((each) => withoutCommand(each, depth + 1)) : []
  const isHarmless = Object.getOwnPropertyNames(error).every((name) => HARMLESS.includes(name))
  if (isHarmless && inner === undefined && message === error.message) return error
  const cause = others.length === 0 ? inner : new AggregateError([inner, ...others])
  const copy = new Error(message, cause === undefined ? undefined : { cause })
  const { name, stack } = error
  Object.defineProperties(copy, {
    name: { value: name, configurable: true, writable: true },
    stack: { value: stack?.split(error.message).join(message), configurable: true, writable: true },
  })
  for (const field of SYSTEM_FIELDS) {
    const value = (error as unknown as Record<string, unknown>)[field]
    if (typeof value === 'number') Object.assign(copy, { [field]: value })
    if (typeof value === 'string') Object.assign(copy, { [field]: foreignText(value) })
  }
  return copy
}
