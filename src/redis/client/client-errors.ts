// The errors of clients and servers, fit to be logged: clients attach the command to them, whose arguments are a password, a key or what was
// to be cached, and servers repeat arguments in their texts.
import { foreignText } from '../../model/foreign-text.js'

/** Errors of a cluster and of addresses that were tried one after the other hold the real ones inside; Sentinel writes them into its text. */
interface Nested {
  readonly message?: unknown
  readonly code?: unknown
  readonly errors?: unknown
  readonly previousErrors?: unknown
  readonly lastNodeError?: unknown
  readonly cause?: unknown
}

const MAX_DEPTH = 4
/** Of errors beside each other. */
const MAX_ERRORS = 8
/** What Redis says of a command that it does not know, and all that follows. */
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

/** What an error of the system tells beside its text. */
const SYSTEM_FIELDS = ['code', 'errno', 'syscall', 'address', 'port', 'hostname'] as const
const HARMLESS: readonly string[] = [...SYSTEM_FIELDS, 'name', 'message', 'stack']

/**
 * The client's own error, or a copy with what it says and without what it carries. The error itself belongs to the client and is not
 * written to.
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
