// Copies data through and through; cycles and shared parts stay what they are. What becomes of objects that are no data, and of
// those that hold nothing, is up to who copies: `value-sharing` for L1, `plain-copy` for plain objects, the codec for extensions.
import { brandOf, type DataKind, dataKindOf, ERRORS, errorIndexOf, VIEWS, viewIndexOf } from './data-kinds.js'

export abstract class DataCopy {
  readonly #copies = new Map<object, unknown>()

  /** A function or symbol. */
  protected abstract ofCode(value: unknown): unknown
  /** An object that is no data. */
  protected abstract ofOther(value: object): unknown
  /** A Date, bytes and the like. */
  protected abstract ofLeaf(value: object, kind: DataKind): object

  of(value: unknown): unknown {
    if (typeof value === 'function' || typeof value === 'symbol') return this.ofCode(value)
    if (typeof value !== 'object' || value === null) return value
    if (this.#copies.has(value)) return this.#copies.get(value)
    const kind = dataKindOf(value)
    return kind === undefined ? this.ofOther(value) : this.ofKind(value, kind)
  }

  /** Whoever meets `original` again gets `copy`. */
  protected remember<T>(original: object, copy: T): T {
    this.#copies.set(original, copy)
    return copy
  }

  /** The copy of an object as one of this kind, whatever subclass it may be of. */
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
    // An array may be a billion holes and little else.
    if (names.length < array.length) setLength(copy, array.length)
    for (const name of names) {
      const index = Number(name)
      // In a subclass's instance there may be other names.
      if (Number.isInteger(index)) copy[index] = this.of(array[index])
    }
    return copy
  }

  #map(map: ReadonlyMap<unknown, unknown>): Map<unknown, unknown> {
    const copy = this.remember(map, new Map<unknown, unknown>())
    for (const [key, held] of map) copy.set(this.of(key), this.of(held))
    return copy
  }

  #set(set: ReadonlySet<unknown>): Set<unknown> {
    const copy = this.remember(set, new Set<unknown>())
    for (const member of set) copy.add(this.of(member))
    return copy
  }

  /** A real error with every own property of `error`, `stack` and `cause` among them. */
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

/** Reaching far beyond the end makes V8 keep a table; assigning `length` would make it allocate every hole. */
function setLength(array: unknown[], length: number): void {
  array[length - 1] = undefined
  delete array[length - 1]
}

/** Not an assignment where the name is inherited: `__proto__` as a name of data must stay one. */
function define(target: object, name: string, value: unknown, enumerable: boolean): void {
  if (enumerable && !(name in target)) (target as Record<string, unknown>)[name] = value
  else Object.defineProperty(target, name, { value, enumerable, writable: true, configurable: true })
}

/** A copy, of this realm, of an object that holds no other. */
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
 * Makes plain data of instances: one of a subclass becomes what its superclass is, any other an object of its own enumerable
 * properties. Instances in `kept` and what holds nothing are not copied.
 */
export class PlainCopy extends DataCopy {
  constructor(private readonly isKept: (value: object) => boolean) {
    super()
  }

  protected override ofCode(value: unknown): unknown {
    return value
  }

  protected override ofLeaf(value: object): object {
    return value
  }

  protected override ofOther(value: object): unknown {
    if (this.isKept(value)) return value
    const brand = brandOf(value)
    if (brand === undefined) return this.ofKind(value, 'plain')
    return isLeaf(brand) ? this.remember(value, copyLeaf(value, brand)) : this.ofKind(value, brand)
  }
}

function isLeaf(kind: DataKind): boolean {
  return ['date', 'regexp', 'arrayBuffer', 'buffer', 'url', 'view'].includes(kind)
}
