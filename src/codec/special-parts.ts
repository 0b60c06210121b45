// What a special value consists of, as data that the writer can write. assembly.ts is its inverse.
import { errorIndexOf } from '../model/values/data-kinds.js'
import { Kind } from './special-values.js'
import { isWellFormed } from './well-formed.js'

/** Thrown for what cannot be kept. Who catches it finds out where that is: the fast path carries no path. */
export const REFUSED = Symbol('refused')

/** The items of a list may be special again; the others are written as they are. */
export type Parts = string | number | Uint8Array | readonly unknown[]

/** The parts of a special value of any kind but `Kind.undefined` and `Kind.node`. */
export function partsOf(kind: number, value: unknown): Parts {
  switch (kind) {
    case Kind.illFormed:
      return Buffer.from(value as string, 'utf16le')
    case Kind.bigint:
      return (value as bigint).toString(16)
    case Kind.date:
      return Date.prototype.getTime.call(value)
    case Kind.map:
      return [...(value as Map<unknown, unknown>)].flat()
    case Kind.set:
      return [...(value as Set<unknown>)]
    case Kind.regexp:
      return partsOfRegExp(value as RegExp)
    case Kind.error:
      return partsOfError(value as Error)
    case Kind.sparse:
      return [(value as unknown[]).length, ...Object.entries(value as object).flat()]
    case Kind.bare:
    case Kind.entries:
      return Object.entries(value as object).flat()
    case Kind.reference:
      return value as number
    case Kind.arrayBuffer:
      return new Uint8Array(value as ArrayBuffer)
    case Kind.url:
      return (value as URL).href
    default:
      return bytesOf(value as ArrayBufferView)
  }
}

function partsOfRegExp({ source, flags, lastIndex }: RegExp): string | Uint8Array {
  const text = `${lastIndex}/${flags}/${source}`
  return isWellFormed(text) ? text : Buffer.from(text, 'utf16le')
}

/** The number of its class, then name, enumerability and value of each own property. */
function partsOfError(error: Error): unknown[] {
  const parts: unknown[] = [errorIndexOf(error)]
  for (const name of Object.getOwnPropertyNames(error)) {
    // Read, not taken from the descriptor: `stack` is an accessor in newer V8.
    parts.push(name, Object.prototype.propertyIsEnumerable.call(error, name), Reflect.get(error, name))
  }
  return parts
}

function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength)
}
