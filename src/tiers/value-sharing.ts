// Keeps callers from changing what L1 holds: a deep freeze, or a copy on the way in and on the way out.
import { types } from 'node:util'
import { CacheError, show } from '../model/errors.js'
import { countPrototypes, isPlainObject } from '../model/plain-object.js'

/**
 * Freezes arrays and plain objects, through and through, and answers `value` itself. The language cannot freeze the contents of
 * Map, Set, Date and bytes, and instances of classes may need to change themselves: those stay as they are.
 */
export function freezeValue<V>(value: V): V {
  const seen = new Set<unknown>()
  const waiting: unknown[] = [value]
  while (waiting.length !== 0) {
    const next = waiting.pop()
    if (seen.has(next) || !(Array.isArray(next) || isPlainObject(next))) continue
    seen.add(next)
    for (const part of Object.values(Object.freeze(next))) waiting.push(part)
  }
  return value
}

/**
 * A deep copy that shares nothing mutable with `value`; cycles and shared parts stay what they are. Unlike `structuredClone` it
 * keeps a Buffer a Buffer and refuses (`UNSUPPORTED_VALUE`) an instance of a class instead of taking its methods away.
 */
export function cloneValue<V>(value: V): V {
  try {
    return clone(value, new Map()) as V
  } catch (error) {
    if (error instanceof CacheError) throw error
    // Nested deeper than the stack, or a getter of the user's threw: `cause` says which.
    throw unsupported('a value that cannot be read through', error)
  }
}

/** `copies` maps what was met to its copy. */
function clone(value: unknown, copies: Map<object, object>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol') throw unsupported(show(value))
  if (typeof value !== 'object' || value === null) return value
  const known = copies.get(value)
  if (known !== undefined) return known
  if (isPlainObject(value)) return clonePlain(value, copies)
  if (types.isNativeError(value)) return cloneError(value, copies)
  if (Buffer.isBuffer(value)) return keep(copies, value, Buffer.from(value))
  switch (countPrototypes(value)) {
    case 2:
      return cloneBuiltIn(value, copies)
    case 3:
      if (types.isTypedArray(value)) return keep(copies, value, value.slice())
  }
  throw unsupported(describe(value))
}

function cloneBuiltIn(value: object, copies: Map<object, object>): object {
  if (Array.isArray(value)) return cloneArray(value, copies)
  if (types.isMap(value)) return cloneMap(value, copies)
  if (types.isSet(value)) return cloneSet(value, copies)
  if (types.isDate(value) || types.isRegExp(value) || types.isBoxedPrimitive(value) || types.isArrayBuffer(value)) {
    return keep(copies, value, structuredClone(value))
  }
  throw unsupported(describe(value))
}

function cloneArray(array: readonly unknown[], copies: Map<object, object>): unknown[] {
  const copy = keep(copies, array, new Array<unknown>(array.length))
  // Index by index only where something is: holes stay holes.
  array.forEach((element, i) => {
    copy[i] = clone(element, copies)
  })
  return copy
}

function clonePlain(value: Readonly<Record<string, unknown>>, copies: Map<object, object>): object {
  const copy = keep(copies, value, Object.create(Object.getPrototypeOf(value) as object | null) as object)
  for (const name of Object.keys(value)) define(copy, name, clone(value[name], copies), true)
  return copy
}

/** A real error, with the class and every own property of `error`, `stack` and `cause` among them. */
function cloneError(error: Error, copies: Map<object, object>): Error {
  const copy = keep(copies, error, new Error())
  Object.setPrototypeOf(copy, Object.getPrototypeOf(error) as object)
  const held = error as unknown as Readonly<Record<string, unknown>>
  for (const name of Object.getOwnPropertyNames(error)) {
    define(copy, name, clone(held[name], copies), Object.prototype.propertyIsEnumerable.call(error, name))
  }
  return copy
}

/** Not an assignment: `__proto__` as a name of data must stay one. */
function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true })
}

function cloneMap(map: ReadonlyMap<unknown, unknown>, copies: Map<object, object>): Map<unknown, unknown> {
  const copy = keep(copies, map, new Map<unknown, unknown>())
  for (const [key, held] of map) copy.set(clone(key, copies), clone(held, copies))
  return copy
}

function cloneSet(set: ReadonlySet<unknown>, copies: Map<object, object>): Set<unknown> {
  const copy = keep(copies, set, new Set<unknown>())
  for (const member of set) copy.add(clone(member, copies))
  return copy
}

function keep<T extends object>(copies: Map<object, object>, original: object, copy: T): T {
  copies.set(original, copy)
  return copy
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : show(value)
}

function unsupported(got: string, cause?: unknown): CacheError {
  const message = `l1.values 'cloned' can copy data only; got ${got}. Use 'frozen' or 'shared', or cache plain data`
  return new CacheError('UNSUPPORTED_VALUE', message, { cause })
}
