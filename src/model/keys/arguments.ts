// Lists of arguments and ids as keys: canonical (equal values, equal keys) and injective (different values, different keys).
//
// The form: 42 · 42n · true · null · undefined · abc · "any other string" · [a,b] · (name=a,other=b) · Date(…) · Map(k=v) · Set(a)
// A string is quoted unless it can be nothing else. Properties, Map entries and Set members are sorted, since their order
// says nothing about what a call means. What has no canonical form is refused: a wrong guess would return another call's value.

import { CacheError, show } from '../errors.js'
import { dataKindOf, viewNameOf } from '../values/data-kinds.js'

/**
 * The key of a call. Trailing `undefined` are left out, since `f(1)` and `f(1, undefined)` mean the same call.
 * Throws `INVALID_KEY` for functions, symbols, class instances, cycles.
 */
export function encodeArguments(args: readonly unknown[]): string {
  let count = args.length
  while (count > 0 && args[count - 1] === undefined) count--
  let key = ''
  for (let i = 0; i < count; i++) key += (i === 0 ? '' : ',') + encodeId(args[i])
  return key
}

/** The key of one id, as of a single argument: `42` for 42, `"42"` for '42', `abc` for 'abc'. */
export function encodeId(id: unknown): string {
  if (typeof id === 'string') return encodeString(id)
  if (typeof id === 'number') return encodeNumber(id)
  return encode(id, [])
}

/** `path` holds the objects that contain `value`, outermost first. */
function encode(value: unknown, path: readonly object[]): string {
  switch (typeof value) {
    case 'string':
      return encodeString(value)
    case 'number':
      return encodeNumber(value)
    case 'bigint':
      return `${value}n`
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'object':
      return value === null ? 'null' : encodeObject(value, path)
    default:
      throw refusal(show(value))
  }
}

/** Deeper than any argument by intent; well before the stack ends. */
const MAX_DEPTH = 200

function encodeObject(value: object, path: readonly object[]): string {
  if (path.includes(value)) throw refusal('an object that contains itself')
  if (path.length === MAX_DEPTH) throw refusal(`an object nested more than ${MAX_DEPTH} levels deep`)
  const inside = [...path, value]
  const kind = dataKindOf(value)
  switch (kind) {
    case 'plain':
    case 'bare':
      return encodePlain(value as Readonly<Record<string, unknown>>, inside)
    case 'array':
      return encodeArray(value as readonly unknown[], inside)
    case 'date':
      return encodeDate(value as Date)
    case 'map':
      return `Map(${sorted(value as Map<unknown, unknown>, ([key, held]) => `${encode(key, inside)}=${encode(held, inside)}`)})`
    case 'set':
      return `Set(${sorted(value as Set<unknown>, (member) => encode(member, inside))})`
    case 'regexp': {
      const { source, flags, lastIndex } = value as RegExp
      return `RegExp(${JSON.stringify(source)},${flags},${lastIndex})`
    }
    case 'url':
      return `URL(${JSON.stringify((value as URL).href)})`
    case 'arrayBuffer':
      return `ArrayBuffer(${base64(new Uint8Array(value as ArrayBuffer))})`
    case 'buffer':
      return `Buffer(${base64(value as Buffer)})`
    case 'view':
      return encodeView(value as ArrayBufferView)
    // An error is what came of something, never what something was asked for; its stack differs with each.
    case 'error':
    case undefined:
      throw refusal(describe(value))
    default:
      return kind satisfies never
  }
}

function encodeDate(date: Date): string {
  const timeMs = Date.prototype.getTime.call(date)
  return `Date(${Number.isNaN(timeMs) ? 'NaN' : new Date(timeMs).toISOString()})`
}

function encodeView(view: ArrayBufferView): string {
  return `${viewNameOf(view)}(${base64(new Uint8Array(view.buffer, view.byteOffset, view.byteLength))})`
}

function encodeArray(array: readonly unknown[], path: readonly object[]): string {
  const names = Object.keys(array)
  const dense = names.length === array.length
  if (dense) return `[${array.map((element) => encode(element, path)).join(',')}]`
  // Holes: the length, then what is there. Nothing walks over a length of 2^32.
  const held = names.map((name) => `,${name}=${encode(array[Number(name)], path)}`)
  return `[#${array.length}${held.join('')}]`
}

function encodePlain(value: Readonly<Record<string, unknown>>, path: readonly object[]): string {
  const names = Object.keys(value).sort()
  return `(${names.map((name) => `${encodeString(name)}=${encode(value[name], path)}`).join(',')})`
}

function sorted<T>(members: Iterable<T>, encodeOne: (member: T) => string): string {
  return Array.from(members, encodeOne).sort().join(',')
}

const PLAIN_STRING = /^[A-Za-z0-9_.:/@+-]+$/
const LIKE_NUMBER = /^[-+.\d][-+.\den]*$/
const LIKE_WORD = /^(?:true|false|null|undefined|NaN|-?Infinity)$/

function encodeString(text: string): string {
  if (PLAIN_STRING.test(text) && !LIKE_NUMBER.test(text) && !LIKE_WORD.test(text)) return text
  // Lone surrogates become escapes here, so that the key is well-formed and they stay different.
  return JSON.stringify(text)
}

function encodeNumber(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url')
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : show(value)
}

function refusal(got: string): CacheError {
  return new CacheError(
    'INVALID_KEY',
    `arguments and ids must be made of primitives, arrays, plain objects, Date, Map, Set, RegExp, URL or bytes to become a key; ` +
      `got ${got}. Pass the option \`key\`, a function that makes a string of them`,
  )
}
