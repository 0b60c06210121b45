// The values that msgpack has no form for, each with its kind on the wire. Plain data never gets here.
import { types } from 'node:util'

/** The kinds on the wire. Numbers are for ever: add, never change. */
export const Kind = {
  undefined: 0,
  /** A string with lone surrogates, as UTF-16: UTF-8 would replace them. */
  illFormed: 1,
  /** Beyond 64 bits, as hex digits. */
  bigint: 2,
  date: 3,
  map: 4,
  set: 5,
  regexp: 6,
  error: 7,
  /** An array with holes. */
  sparse: 8,
  /** An object without a prototype. */
  bare: 9,
  /** A plain object with a key that a map must not hold: `__proto__`, or one that UTF-8 would damage. */
  entries: 10,
  /** A plain object or array that is deep, or that other places refer to. */
  node: 11,
  /** The same object as an earlier one. */
  reference: 12,
  buffer: 13,
  arrayBuffer: 14,
  url: 15,
  /** `VIEWS[kind - firstView]`. */
  firstView: 32,
} as const

export type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

/** In the order of their kinds: append only. */
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

/** The kind of an object that is neither a plain object nor an array; `undefined` when it cannot be kept. */
export function kindOf(value: object): number | undefined {
  const prototype = Object.getPrototypeOf(value)
  switch (prototype) {
    case null:
      return types.isModuleNamespaceObject(value) ? undefined : Kind.bare
    case Date.prototype:
      return types.isDate(value) && isUnadorned(value) ? Kind.date : undefined
    case Map.prototype:
      return types.isMap(value) && isUnadorned(value) ? Kind.map : undefined
    case Set.prototype:
      return types.isSet(value) && isUnadorned(value) ? Kind.set : undefined
    case RegExp.prototype:
      return types.isRegExp(value) && isUnadorned(value) ? Kind.regexp : undefined
    case ArrayBuffer.prototype:
      return types.isArrayBuffer(value) && isUnadorned(value) ? Kind.arrayBuffer : undefined
    case Buffer.prototype:
      return types.isUint8Array(value) ? Kind.buffer : undefined
    case URL.prototype:
      return isUrl(value) && isUnadorned(value) ? Kind.url : undefined
  }
  if (types.isNativeError(value)) return ERRORS.some((type) => type.prototype === prototype) ? Kind.error : undefined
  if (!ArrayBuffer.isView(value)) return undefined
  const view = VIEWS.findIndex((type) => type.prototype === prototype)
  return view === -1 ? undefined : Kind.firstView + view
}

/** Whether it is a plain object, of this realm or another: a test runner may run us in a realm of its own. */
export function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) return true
  return prototype !== null && Object.getPrototypeOf(prototype) === null && isForeign(prototype, 'Object')
}

/** Whether it is an array and no instance of a subclass. */
export function isPlainArray(value: object): value is unknown[] {
  if (!Array.isArray(value)) return false
  const prototype = Object.getPrototypeOf(value)
  return prototype === Array.prototype || (prototype !== null && isForeign(prototype, 'Array'))
}

/** Whether it is the prototype of the built-in class of this name in another realm. */
function isForeign(prototype: object, name: string): boolean {
  const type: unknown = prototype.constructor
  return (
    typeof type === 'function' &&
    type.prototype === prototype &&
    Function.prototype.toString.call(type) === `function ${name}() { [native code] }`
  )
}

/** Nothing of one's own was put on it: own properties of such an object would be lost. */
function isUnadorned(value: object): boolean {
  return Object.keys(value).length === 0 && Object.getOwnPropertySymbols(value).length === 0
}

function isUrl(value: object): value is URL {
  try {
    return typeof (value as URL).href === 'string'
  } catch {
    // The getter refuses what only pretends to be a URL.
    return false
  }
}
