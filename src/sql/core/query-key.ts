// The key of a query: its text, its typed parameters, and the session, as a hash. So no parameter can be read from a key.
import { createHash } from 'node:crypto'

/** The key of a query. Each part is preceded by its length, so that two lists of parts never make one text. */
export function queryKey(kind: string, parts: readonly string[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(`${part.length}:`).update(part)
  return `${kind}:${hash.digest('base64url')}`
}

/**
 * The parameters as a text in which 1 and '1' differ, as do null and undefined, and equal instants under two offsets, since drivers send the
 * local time. `undefined` if one of them has no text: a function, a symbol, a cycle.
 */
export function parametersKey(parameters: readonly unknown[]): string | undefined {
  try {
    return parameters.map((value) => framed(encode(value, 0))).join('')
  } catch {
    // A parameter that cannot be written: the driver will say so, or it has its own way with it.
    return undefined
  }
}

const MAX_DEPTH = 100

function encode(value: unknown, depth: number): string {
  if (depth > MAX_DEPTH) throw new TypeError('nested too deeply')
  switch (typeof value) {
    case 'string':
      return `s${value}`
    case 'number':
      return `n${Object.is(value, -0) ? '-0' : value}`
    case 'bigint':
      return `i${value}`
    case 'boolean':
      return value ? 'true' : 'false'
    case 'undefined':
      return 'u'
    case 'object':
      return value === null ? 'null' : encodeObject(value, depth)
    default:
      throw new TypeError('not a parameter')
  }
}

function encodeObject(value: object, depth: number): string {
  if (value instanceof Date) return `d${value.getTime()},${value.getTimezoneOffset()}`
  if (ArrayBuffer.isView(value)) {
    const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    return `b${value.constructor.name},${bytes.toString('base64')}`
  }
  if (value instanceof ArrayBuffer) return `a${Buffer.from(value).toString('base64')}`
  if (Array.isArray(value)) return `[${value.map((element) => framed(encode(element, depth + 1))).join('')}`
  const { toPostgres } = value as { readonly toPostgres?: unknown }
  if (typeof toPostgres === 'function') return `p${encode(toPostgres.call(value, String), depth + 1)}`
  return `o${value.constructor?.name ?? ''},${encodeJson(value)}`
}

/** As drivers write an object. */
function encodeJson(value: object): string {
  if (value instanceof Map || value instanceof Set) throw new TypeError('not in JSON')
  const text = JSON.stringify(value)
  if (text === undefined) throw new TypeError('without a text')
  return text
}

function framed(text: string): string {
  return `${text.length}:${text}`
}
