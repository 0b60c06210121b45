// Deep copies of data, which keep cycles and shared parts. Each subclass decides about leaves and about objects that are not data:
// `value-sharing` for L1, `PlainCopy` for plain objects, the codec for extensions.
import { brandOf, type DataKind, dataKindOf, ERRORS, errorIndexOf, VIEWS, viewIndexOf } from './data-kinds.js'

/** Makes deep copies; one instance copies one value. */
export abstract class DataCopy {
  readonly #copies = new Map<object, unknown>()

  /** The copy of a function or symbol. */
  protected abstract ofCode(value: unknown): unknown
  /** The copy of an object that is not data. */
  protected abstract ofOther(value: object): unknown
  /** The copy of an object that contains no other values, such as a Date or bytes. */
  protected abstract ofLeaf(value: object, kind: DataKind): object

  of(value: unknown): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return this.ofCode(value)
    if (typeof value !== 'object' || value === null) return value
    if (this.#copies.has(value)) return this.#copies.get(value)
    const kind = dataKindOf(value)
    return kind === undefined ? this.ofOther(value) : this.ofKind(value, kind)
  }

  /** Makes `copy` the result for `original`, wherever it comes again. */
  protected remember<T>(original: object, copy: T): T {
    this.#copies.set(original, copy)
    return copy
  }

  /** The copy of an object as an object of this kind. An instance of a subclass becomes one of the built-in class. */
  protected ofKind(value: object, kind: DataKind): unknown {
    switch (kind) {
      case 'plain':
        return this.ofProperties(value, this.remember(value, {}))
      case 'bare':
        return this.ofProperties(value, this.remember(value, Object.create(null) as object))
      case 'array':
        return this.#array(value as readonly unknown[])
      case 'map':
        return this.#map(value as ReadonlyMap<unknown, unknown>)
      case 'set':
        return this.#set(value as ReadonlySet<unknown>)
      case 'error':
        return this.#error(value as Error)
      default:
        return this.remember(value, this.ofLeaf(value, kind))
    }
  }

  /** Puts copies of the own enumerable properties of `value` on `copy`. */
  protected ofProperties<T extends object>(value: object, copy: T): T {
    for (const name of Object.keys(value)) define(copy, name, this.of(Reflect.get(value, name)), true)
    return copy
  }

  #array(array: readonly unknown[]): unknown[] {
    const names = Object.keys(array)
    const copy = this.remember(array, [] as unknown[])
    // A sparse array may have a length of billions.
    if (names.length < array.length) setLength(copy, array.length)
    for (const name of names) {
      const index = Number(name)
      // An instance of a subclass may have other properties.
      if (Number.isInteger(index)) copy[index] = this.of(array[index])
    }
    return copy
  }

  #map(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.remember(map, new Map<unknown, unknown>())
    for (const [key, item] of map) copy.set(this.of(key), this.of(item))
    return copy
  }

  #set(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = this.remember(set, new Set<unknown>())
    for (const member of set) copy.add(this.of(member))
    return copy
  }

  /** A real error with all own properties of `error`, including `stack` and `cause`. */
  #error(error: Error): Error {
    const copy = this.remember(error, new Error())
    Object.setPrototypeOf(copy, (ERRORS[errorIndexOf(error)] as (typeof ERRORS)[number]).prototype)
    delete copy.stack
    for (const name of Object.getOwnPropertyNames(error)) {
      const part = this.of(Reflect.get(error, name))
      define(copy, name, part, Object.prototype.propertyIsEnumerable.call(error, name))
    }
    return copy
  }
}

/** Writing far beyond the end makes V8 use a hash table; assigning `length` would allocate every hole. */
function setLength(array: unknown[], length: number): void {
  array[length - 1] = undefined
  delete array[length - 1]
}

/** Defines a property. An inherited name is not assigned, so that `__proto__` stays a name of data. */
function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  if (enumerable && !(name in target)) (target as Record<string, unknown>)[name] = value
  else Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true })
}

/** A copy, in this realm, of an object that contains no other values. */
export function copyLeaf(value: object, kind: DataKind): object {
  switch (kind) {
    case 'date':
      return new Date(Date.prototype.getTime.call(value))
    case 'regexp':
      return copyRegExp(value as RegExp)
    case 'arrayBuffer':
      return new Uint8Array(value as ArrayBuffer).slice().buffer
    case 'buffer':
      return Buffer.from(value as Buffer)
    case 'url':
      return new URL((value as URL).href)
    case 'view':
      return copyView(value as ArrayBufferView)
    default:
      return value
  }
}

function copyRegExp({ source, flags, lastIndex }: RegExp): RegExp {
  const copy = new RegExp(source, flags)
  copy.lastIndex = lastIndex
  return copy
}

function copyView(view: ArrayBufferView): ArrayBufferView {
  const { buffer, byteOffset, byteLength } = view
  const View = VIEWS[viewIndexOf(view)] as (typeof VIEWS)[number]
  return new View(new Uint8Array(buffer, byteOffset, byteLength).slice().buffer)
}

/**
 * Turns instances into plain data: an instance of a subclass becomes one of the built-in class, any other instance an object with its own
 * enumerable properties. Instances for which `isKept` returns true are not copied, and neither are leaves that are data already.
 */
export class PlainCopy extends DataCopy {
  constructor(private readonly isKept: (value: object) => boolean) {
    super()
  }

  protected override ofCode(value: unknown): unknown {
    return value
  }

  protected override ofLeaf(value: object, kind: DataKind): object {
    return dataKindOf(value) === undefined ? copyLeaf(value, kind) : value
  }

  protected override ofOther(value: object): unknown {
    return this.isKept(value) ? value : this.ofKind(value, brandOf(value) ?? 'plain')
  }
}
