// Arguments and ids as keys. The encoding is canonical (equal values, equal keys) and injective (different values, different keys).
//
// Its forms: 42 · 42n · true · null · undefined · abc · "any other string" · [a,b] · (name=a,other=b) · Date(…) · Map(k=v) · Set(a)
// A string is quoted unless it cannot be mistaken for anything else. Properties, Map entries and Set members are sorted, since their order
// does not change what a call means. A value without a canonical form is refused: a wrong guess would return the value of another call.

import { CacheError, show } from '../errors.js'
import { dataKindOf, viewNameOf } from '../values/data-kinds.js'

/**
 * The key of a call. Trailing `undefined` arguments are left out, since `f(1)` and `f(1, undefined)` are the same call.
 * Throws `INVALID_KEY` for functions, symbols, class instances, cycles.
 */
export function encodeArguments(args: readonly unknown[]): string {
  let count = args.length
  while (count > 0 && args[count - 1] === undefined) count--
  let key = ''
  for (let i = 0; i < count; i++) key += (i === 0 ? '' : ',') + encodeId(args[i])
  return key
}

/** The key of one id, encoded like a single argument: `42` for 42, `"42"` for '42', `abc` for 'abc'. */
export function encodeId(id: unknown): string {
  if (typeof id === 'string') return encodeString(id)
  if (typeof id === 'number') return encodeNumber(id)
  return encode(id, [])
}

/** `path` are the objects that contain `value`, outermost first. */
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

/** Deeper than any argument on purpose, and far from the limit of the stack. */
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
      return `Map(${sorted(value as Map<unknown, unknown>, ([key, item]) => `${encode(key, inside)}=${encode(item, inside)}`)})`
    case 'set':
      return `Set(${sorted(value as Set<unknown>, (member) => encode(member, inside))})`
    case 'regexp': {
      const { source, flags, lastIndex } = value as RegExp
      return `RegExp(${quoted(source)},${flags},${lastIndex})`
    }
    case 'url':
      return `URL(${quoted((value as URL).href)})`
    case 'arrayBuffer':
      return `ArrayBuffer(${base64(new Uint8Array(value as ArrayBuffer))})`
    case 'buffer':
      return `Buffer(${base64(value as Buffer)})`
    case 'view':
      return encodeView(value as ArrayBufferView)
    // An error is a result, not something to ask for, and the stack of each is different.
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
  // With holes: the length, then the elements that exist. So a length of 2^32 costs nothing.
  const elements = names.map((name) => `,${name}=${encode(array[Number(name)], path)}`)
  return `[#${array.length}${elements.join('')}]`
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
  return quoted(text)
}

/** JSON leaves these control characters as they are. */
const UNQUOTED_CONTROLS = /[\u007f-\u009f]/g

/** As JSON, which escapes lone surrogates: so the key is well-formed, and different texts stay different. */
function quoted(text: string): string {
  const escaped = (character: string) => `\\u00${character.charCodeAt(0).toString(16)}`
  return JSON.stringify(text).replace(UNQUOTED_CONTROLS, escaped)
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
