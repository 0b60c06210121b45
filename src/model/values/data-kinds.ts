// The one table of what counts as data: the codec, the copies of L1, the keys of arguments, the sizes and the verdict on a value
// all go by it. Kinds are recognised by their brand and not by `instanceof`, so that objects of another realm (node:vm, test
// runners) and dates from before or after a test's fake timers are what they are.
import { URL as NodeUrl } from 'node:url'
import { types } from 'node:util'
import { isPrototypeOfBuiltIn } from './plain-object.js'

/** What a data object is. `'bare'`: an object without a prototype. `'view'`: a typed array or DataView that is no Buffer. */
export type DataKind =
  | 'plain'
  | 'bare'
  | 'array'
  | 'date'
  | 'map'
  | 'set'
  | 'regexp'
  | 'error'
  | 'arrayBuffer'
  | 'buffer'
  | 'url'
  | 'view'

export type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

/** In the order of their numbers on the wire: append only. */
export const VIEWS: readonly ViewConstructor[] = [
  Uint8Array,
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  DataView,
]

type ErrorConstructor = new (...args: never[]) => Error

/** In the order of their numbers on the wire: append only. */
export const ERRORS: readonly ErrorConstructor[] = [
  Error,
  EvalError,
  RangeError,
  ReferenceError,
  SyntaxError,
  TypeError,
  URIError,
  AggregateError,
]

const VIEW_NAMES = VIEWS.map((type) => type.name)
const ERROR_NAMES = ERRORS.map((type) => type.name)

/** The prototypes of this realm. */
const OF_THIS_REALM: ReadonlyMap<unknown, DataKind> = new Map<unknown, DataKind>([
  [Object.prototype, 'plain'],
  [Array.prototype, 'array'],
  [Date.prototype, 'date'],
  [Map.prototype, 'map'],
  [Set.prototype, 'set'],
  [RegExp.prototype, 'regexp'],
  [ArrayBuffer.prototype, 'arrayBuffer'],
  [Buffer.prototype, 'buffer'],
  [URL.prototype, 'url'],
  // Some test environments put a class of their own in its place.
  [NodeUrl.prototype, 'url'],
  ...ERRORS.map((type): [unknown, DataKind] => [type.prototype, 'error']),
  ...VIEWS.map((type): [unknown, DataKind] => [type.prototype, 'view']),
])

/** The names of the built-in class of a kind in other realms. Buffer and URL are the same in all of them. */
const NAMES: Readonly<Record<DataKind, readonly string[]>> = {
  plain: ['Object'],
  bare: [],
  array: ['Array'],
  date: ['Date'],
  map: ['Map'],
  set: ['Set'],
  regexp: ['RegExp'],
  error: ERROR_NAMES,
  arrayBuffer: ['ArrayBuffer'],
  buffer: [],
  url: [],
  view: VIEW_NAMES,
}

/**
 * The kind of an object that is data, whatever it holds; `undefined` when it is none: an instance of a class or subclass, or an
 * object with something on it that its kind has no room for (a symbol as a key, a property on a Date). Throws what a proxy throws.
 */
export function dataKindOf(value: object): DataKind | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null
  const expected = OF_THIS_REALM.get(prototype)
  if (expected !== undefined) return hasBrand(value, expected) && isUnadorned(value, expected) ? expected : undefined
  if (prototype === null)
    return !types.isModuleNamespaceObject(value) && isUnadorned(value, 'bare') ? 'bare' : undefined
  const kind = brandOf(value) ?? 'plain'
  const isOfThatClass = isPrototypeOfBuiltIn(prototype, NAMES[kind]) || (kind === 'date' && isFakeDate(prototype))
  return isOfThatClass && hasBrand(value, kind) && isUnadorned(value, kind) ? kind : undefined
}

/** What an object is by its brand alone: an instance of a subclass is what its superclass is. `undefined`: no built-in class. */
export function brandOf(value: object): Exclude<DataKind, 'plain' | 'bare'> | undefined {
  return BRANDS.find((kind) => hasBrand(value, kind))
}

const BRANDS = [
  'array',
  'date',
  'map',
  'set',
  'error',
  'regexp',
  'buffer',
  'view',
  'arrayBuffer',
  'url',
] as const satisfies readonly DataKind[]

/** The name of a view's class, such as `Float64Array`; of a subclass's instance that of its superclass. */
export function viewNameOf(view: ArrayBufferView): string {
  return types.isTypedArray(view) ? (TYPED_ARRAY_NAME.call(view) as string) : 'DataView'
}

/** Reads the brand, where `view[Symbol.toStringTag]` reads whatever was put there. */
const TYPED_ARRAY_NAME = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => unknown

/** The number of a view's class in `VIEWS`; -1 for a class that is not there. */
export function viewIndexOf(view: ArrayBufferView): number {
  return VIEW_NAMES.indexOf(viewNameOf(view))
}

/** The number in `ERRORS` of the nearest class that an error belongs to, in whatever realm. */
export function errorIndexOf(error: Error): number {
  for (let next: unknown = Object.getPrototypeOf(error); next !== null; next = Object.getPrototypeOf(next)) {
    const index = ERRORS.findIndex((type) => type.prototype === next)
    if (index !== -1) return index
    if (isPrototypeOfBuiltIn(next as object, ERROR_NAMES)) {
      return ERROR_NAMES.indexOf((next as { constructor: { name: string } }).constructor.name)
    }
  }
  return 0
}

/**
 * Whether a symbol is a key of `value` in a way that counts: enumerable, or one that makes the object something else than it
 * looks like (`arguments`, `Math`). Hidden marks of libraries do not count, as properties that are not enumerable do not.
 */
export function hasSymbolKey(value: object): boolean {
  const symbols = Object.getOwnPropertySymbols(value)
  if (symbols.length === 0) return false
  return symbols.some(
    (symbol) =>
      symbol === Symbol.toStringTag ||
      symbol === Symbol.iterator ||
      Object.prototype.propertyIsEnumerable.call(value, symbol),
  )
}

/** A name of `array` that is no index, if it has one. */
export function extraNameOf(array: readonly unknown[]): string | undefined {
  const names = Object.keys(array)
  // Indices come first, in order, so the last name tells.
  const last = names.at(-1)
  return last === undefined || isIndex(last, array.length)
    ? undefined
    : names.find((name) => !isIndex(name, array.length))
}

function isIndex(name: string, length: number): boolean {
  const index = Number(name)
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === name
}

function hasBrand(value: object, kind: DataKind): boolean {
  switch (kind) {
    case 'plain':
    case 'bare':
      return Object.prototype.toString.call(value) === '[object Object]'
    case 'array':
      return Array.isArray(value)
    case 'date':
      return types.isDate(value)
    case 'map':
      return types.isMap(value)
    case 'set':
      return types.isSet(value)
    case 'regexp':
      return types.isRegExp(value)
    case 'error':
      return types.isNativeError(value)
    case 'arrayBuffer':
      return types.isArrayBuffer(value)
    case 'buffer':
      return types.isUint8Array(value) && Buffer.isBuffer(value)
    case 'view':
      return ArrayBuffer.isView(value) && viewIndexOf(value) !== -1
    case 'url':
      return isUrl(value)
    default:
      return kind satisfies never
  }
}

/** Nothing was put on it that would be lost. Views are not looked at: their elements count as properties, millions perhaps. */
function isUnadorned(value: object, kind: DataKind): boolean {
  switch (kind) {
    case 'plain':
    case 'bare':
    case 'error':
      return !hasSymbolKey(value)
    case 'array':
      return !hasSymbolKey(value) && extraNameOf(value as readonly unknown[]) === undefined
    case 'buffer':
    case 'view':
      return true
    default:
      return Object.keys(value).length === 0 && !hasSymbolKey(value)
  }
}

/** The class that @sinonjs/fake-timers (vitest, jest, sinon) puts in the place of Date is a subclass with this mark. */
function isFakeDate(prototype: object): boolean {
  const type = prototype.constructor as { readonly isFake?: unknown } | undefined
  const parent = Object.getPrototypeOf(prototype) as object | null
  return type?.isFake === true && parent !== null && isPrototypeOfBuiltIn(parent, NAMES.date)
}

function isUrl(value: object): boolean {
  return isUrlOf(value, NodeUrl.prototype) || isUrlOf(value, URL.prototype)
}

/** The getter of the class throws at what only pretends to be a URL. */
function isUrlOf(value: object, prototype: object): boolean {
  if (!Object.prototype.isPrototypeOf.call(prototype, value)) return false
  try {
    return typeof Reflect.get(prototype, 'href', value) === 'string'
  } catch {
    return false // a pretended one
  }
}
