// The one table of what counts as data. The codec, the copies of L1, the keys of arguments, the sizes and the verdict on a value all use it.
// Kinds are recognised by their brand and not by `instanceof`, so objects of another realm (node:vm, test runners) and dates from before or
// after the fake timers of a test are recognised too.
import { URL as NodeUrl } from 'node:url'
import { types } from 'node:util'
import { isPrototypeOfBuiltIn } from './plain-object.js'

/** A typed array class or DataView. */
export type ViewConstructor = new (buffer: ArrayBuffer) => ArrayBufferView

/** The classes of views. Their index is their number on the wire, so only append. */
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

/** The classes of errors. Their index is their number on the wire, so only append. */
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

interface KindRow {
  /** Its built-in classes in this realm. */
  readonly classes: readonly { readonly prototype: object }[]
  /** The names of its built-in classes in other realms. Buffer and URL are the same in all realms. */
  readonly names: readonly string[]
  /** Whether an object has the brand of the kind, which a prototype cannot fake. */
  readonly hasBrand: (value: object) => boolean
  /** Whether an object has no property for which its kind has no room. Such a property would be lost. */
  readonly isUnadorned: (value: object) => boolean
}

function row(
  classes: KindRow['classes'],
  names: KindRow['names'],
  hasBrand: KindRow['hasBrand'],
  isUnadorned: KindRow['isUnadorned'],
): KindRow {
  return { classes, names, hasBrand, isUnadorned }
}

/** The kinds with a brand, in the order in which they are tried: a Buffer is a view too. */
const BRANDED = {
  array: row([Array], ['Array'], Array.isArray, isUnadornedArray),
  date: row([Date], ['Date'], types.isDate, hasNoProperty),
  map: row([Map], ['Map'], types.isMap, hasNoProperty),
  set: row([Set], ['Set'], types.isSet, hasNoProperty),
  error: row(ERRORS, ERROR_NAMES, types.isNativeError, hasNoSymbolKey),
  regexp: row([RegExp], ['RegExp'], types.isRegExp, hasNoProperty),
  // The properties of views are not looked at: their elements count as properties, perhaps millions.
  buffer: row([Buffer], [], isBuffer, () => true),
  view: row(VIEWS, VIEW_NAMES, isKnownView, () => true),
  arrayBuffer: row([ArrayBuffer], ['ArrayBuffer'], types.isArrayBuffer, hasNoProperty),
  // Some test environments replace the global class by one of their own.
  url: row([URL, NodeUrl], [], isUrl, hasNoProperty),
}

const KINDS = {
  ...BRANDED,
  plain: row([Object], ['Object'], isObject, hasNoSymbolKey),
  bare: row([], [], isObject, hasNoSymbolKey),
}

/** The kinds that have a brand: objects of built-in classes and of their subclasses. */
export type Brand = keyof typeof BRANDED
/** What a data object is. `'bare'`: an object without a prototype. `'view'`: a typed array or DataView that is not a Buffer. */
export type DataKind = keyof typeof KINDS

const BRANDS = Object.keys(BRANDED) as readonly Brand[]

const KIND_OF_PROTOTYPE: ReadonlyMap<unknown, DataKind> = new Map(
  (Object.keys(KINDS) as DataKind[]).flatMap((kind) => KINDS[kind].classes.map(({ prototype }) => [prototype, kind])),
)

/**
 * The kind of an object that is data, whatever it contains. `undefined` for an instance of a class or subclass, and for an object with
 * something for which its kind has no room, such as a symbol key, or a property on a Date. Throws what a proxy throws.
 */
export function dataKindOf(value: object): DataKind | undefined {
  const prototype = Object.getPrototypeOf(value) as object | null
  const expected = KIND_OF_PROTOTYPE.get(prototype)
  if (expected !== undefined) return isOfKind(value, expected) ? expected : undefined
  if (prototype === null)
    return !types.isModuleNamespaceObject(value) && KINDS.bare.isUnadorned(value) ? 'bare' : undefined
  const kind = brandOf(value) ?? 'plain'
  const isOfThatClass = isPrototypeOfBuiltIn(prototype, KINDS[kind].names) || (kind === 'date' && isFakeDate(prototype))
  return isOfThatClass && isOfKind(value, kind) ? kind : undefined
}

function isOfKind(value: object, kind: DataKind): boolean {
  const { hasBrand, isUnadorned } = KINDS[kind]
  return hasBrand(value) && isUnadorned(value)
}

/** The kind of an object by its brand alone: an instance of a subclass has the kind of its superclass. `undefined`: no built-in class. */
export function brandOf(value: object): Brand | undefined {
  return BRANDS.find((kind) => KINDS[kind].hasBrand(value))
}

/** The name of the class of a view, such as `Float64Array`. For an instance of a subclass it is the name of the superclass. */
export function viewNameOf(view: ArrayBufferView): string {
  return types.isTypedArray(view) ? (TYPED_ARRAY_NAME.call(view) as string) : 'DataView'
}

/** Reads the brand. `view[Symbol.toStringTag]` could read a property that somebody has set. */
const TYPED_ARRAY_NAME = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype) as object,
  Symbol.toStringTag,
)?.get as (this: unknown) => unknown

/** The index of the class of a view in `VIEWS`; -1 for a class that is not there. */
export function viewIndexOf(view: ArrayBufferView): number {
  return VIEW_NAMES.indexOf(viewNameOf(view))
}

/** The index in `ERRORS` of the nearest class of an error, in any realm. */
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
 * Whether `value` has a symbol key that counts: an enumerable one, or one that makes the object something else than it looks like
 * (`arguments`, `Math`). Hidden marks of libraries do not count, and neither do other properties that are not enumerable.
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

/** The first property name of `array` that is not an index; `undefined` if there is none. */
export function extraNameOf(array: readonly unknown[]): string | undefined {
  const names = Object.keys(array)
  // Indices come first, in order, so the last name decides.
  const last = names.at(-1)
  return last === undefined || isIndex(last, array.length)
    ? undefined
    : names.find((name) => !isIndex(name, array.length))
}

function isIndex(name: string, length: number): boolean {
  const index = Number(name)
  return Number.isInteger(index) && index >= 0 && index < length && String(index) === name
}

function hasNoSymbolKey(value: object): boolean {
  return !hasSymbolKey(value)
}

function hasNoProperty(value: object): boolean {
  return Object.keys(value).length === 0 && !hasSymbolKey(value)
}

function isUnadornedArray(array: object): boolean {
  return !hasSymbolKey(array) && extraNameOf(array as readonly unknown[]) === undefined
}

function isObject(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object Object]'
}

function isBuffer(value: object): boolean {
  return types.isUint8Array(value) && Buffer.isBuffer(value)
}

function isKnownView(value: object): boolean {
  return ArrayBuffer.isView(value) && viewIndexOf(value) !== -1
}

/** Whether the prototype is of the class that @sinonjs/fake-timers (Vitest, Jest, Sinon) puts in place of Date: a subclass with a mark. */
function isFakeDate(prototype: object): boolean {
  const type = prototype.constructor as { readonly isFake?: unknown } | undefined
  const parent = Object.getPrototypeOf(prototype) as object | null
  return type?.isFake === true && parent !== null && isPrototypeOfBuiltIn(parent, KINDS.date.names)
}

function isUrl(value: object): boolean {
  return isUrlOf(value, NodeUrl.prototype) || isUrlOf(value, URL.prototype)
}

function isUrlOf(value: object, prototype: object): boolean {
  if (!Object.prototype.isPrototypeOf.call(prototype, value)) return false
  try {
    return typeof Reflect.get(prototype, 'href', value) === 'string'
  } catch {
    return false // the getter throws for an object that only pretends to be a URL
  }
}
