// Values as JSON. What JSON cannot say becomes an object with one key that begins with `$`; docs/guides/command-line.md lists them. Pure.
import { types } from 'node:util'

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** The JSON text of a value, on one line. Each special value is an object with one key, such as `{"$date":"2026-03-01T12:00:00.000Z"}`. */
export function jsonText(value: unknown): string {
  return JSON.stringify(toJson(value, [], []))
}

/** `path` leads to `value` from the outermost value, and `above` are the objects on it. */
function toJson(value: unknown, path: readonly string[], above: readonly object[]): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : `${value}` }
    case 'undefined':
      return { $undefined: true }
    case 'bigint':
      return { $bigint: `${value}` }
    case 'object':
      return value === null ? null : ofObject(value, path, above)
    default:
      return { $other: String(value) }
  }
}

function ofObject(value: object, path: readonly string[], above: readonly object[]): Json {
  const loop = above.indexOf(value)
  if (loop >= 0) return { $ref: pointerTo(path.slice(0, loop)) }
  const inner = (part: unknown, step: string | number): Json => toJson(part, [...path, `${step}`], [...above, value])
  if (Array.isArray(value)) {
    return Array.from(value, (part: unknown, i) => (i in value ? inner(part, i) : { $hole: true }))
  }
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() }
  if (value instanceof RegExp) return { $regexp: String(value) }
  if (value instanceof URL) return { $url: value.href }
  if (value instanceof Map) {
    return { $map: Array.from(value, ([key, part], i) => [inner(key, `key ${i}`), inner(part, `value ${i}`)]) }
  }
  if (value instanceof Set) return { $set: Array.from(value, (part, i) => inner(part, i)) }
  if (types.isAnyArrayBuffer(value) || ArrayBuffer.isView(value)) return ofBytes(value)
  if (types.isBoxedPrimitive(value)) return { $boxed: inner(value.valueOf(), 'boxed') }
  if (value instanceof Error)
    return { $error: ofProperties({ ...value, name: value.name, message: value.message }, inner) }
  return ofProperties(value, inner)
}

function ofBytes(value: ArrayBufferLike | ArrayBufferView): Json {
  const bytes = ArrayBuffer.isView(value)
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength)
    : Buffer.from(value)
  return { $bytes: bytes.toString('base64'), type: value.constructor.name }
}

/** An object of the user's with a key that begins with `$` is written as pairs, so that it is not taken for one of ours. */
function ofProperties(value: object, inner: (part: unknown, step: string) => Json): Json {
  const pairs = Object.entries(value).map(([key, part]) => [key, inner(part, key)] as const)
  if (pairs.some(([key]) => key.startsWith('$'))) return { $object: pairs }
  // Without a prototype, `__proto__` is a key like any other.
  const result: Record<string, Json> = Object.create(null)
  for (const [key, part] of pairs) result[key] = part
  return result
}

/** A JSON pointer (RFC 6901) from the value as a whole. */
function pointerTo(path: readonly string[]): string {
  return path.map((step) => `/${step.replace(/~/g, '~0').replace(/\//g, '~1')}`).join('')
}
