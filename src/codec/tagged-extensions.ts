// Values of extensions as data that any codec can write: `{ $tiercache: <name>, data: <what encode returned> }`. An object of the
// user's that has the key `$tiercache` itself is wrapped with an empty name, so that no data is taken for a tag.

import { CacheError } from '../model/errors.js'
import { isPlainData } from '../model/values/data-check.js'
import { DataCopy } from '../model/values/data-copy.js'
import { dataKindOf } from '../model/values/data-kinds.js'
import { type Extension, extensionOf } from '../model/values/extension.js'

const TAG = '$tiercache'

interface Tag {
  readonly [TAG]: string
  data: unknown
}

/** The bytes name an extension that this cache was not given. */
export class UnknownExtension extends Error {}

/** A copy of `value` with its values of extensions tagged; `undefined` where it holds none. Throws `UNSUPPORTED_VALUE`. */
export function tagExtended(value: unknown, extensions: readonly Extension[]): { readonly value: unknown } | undefined {
  if (extensions.length === 0 || isPlainData(value)) return undefined
  const tagging = new Tagging(extensions)
  try {
    const copy = tagging.of(value)
    return tagging.hasTagged ? { value: copy } : undefined
  } catch (cause) {
    if (cause instanceof CacheError) throw cause
    throw new CacheError('UNSUPPORTED_VALUE', 'the extensions could not encode the value for L2; see cause', { cause })
  }
}

class Tagging extends DataCopy {
  hasTagged = false

  constructor(private readonly extensions: readonly Extension[]) {
    super()
  }

  /** The codec refuses it, and says where it is. */
  protected override ofCode(value: unknown): unknown {
    return value
  }

  protected override ofLeaf(value: object): object {
    return value
  }

  protected override ofOther(value: object): unknown {
    const extension = extensionOf(this.extensions, value)
    if (extension === undefined) return value
    this.hasTagged = true
    const tag: Tag = { [TAG]: extension.name, data: undefined }
    this.remember(value, tag)
    tag.data = this.of(extension.encode(value))
    return tag
  }

  protected override ofProperties<T extends object>(value: object, copy: T): T {
    if (!Object.hasOwn(value, TAG)) return super.ofProperties(value, copy)
    const wrapped: Tag = { [TAG]: '', data: copy }
    this.remember(value, wrapped)
    super.ofProperties(value, copy)
    return wrapped as unknown as T
  }
}

/** The value with its tags replaced by what they stand for, in place. Throws `UnknownExtension`, and what `decode` throws. */
export function untagExtended(decoded: unknown, extensions: readonly Extension[]): unknown {
  return new Untagging(extensions).of(decoded)
}

class Untagging {
  readonly #extensions = new Map<string, Extension>()
  readonly #done = new Map<object, unknown>()

  constructor(extensions: readonly Extension[]) {
    for (const extension of extensions) this.#extensions.set(extension.name, extension)
  }

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    if (this.#done.has(value)) return this.#done.get(value)
    this.#done.set(value, value)
    switch (dataKindOf(value)) {
      case 'plain':
      case 'bare':
        return Object.hasOwn(value, TAG) ? this.#tag(value as Tag) : this.#properties(value, Object.keys(value))
      case 'array':
        return this.#properties(value, Object.keys(value))
      case 'error':
        return this.#properties(value, Object.getOwnPropertyNames(value))
      case 'map':
        return this.#map(value as Map<unknown, unknown>)
      case 'set':
        return this.#set(value as Set<unknown>)
      default:
        return value
    }
  }

  #tag(tag: Tag): unknown {
    const name = tag[TAG]
    if (name === '') {
      const { data } = tag
      this.#done.set(tag, data)
      if (typeof data !== 'object' || data === null) throw new Error('a tag without a name holds no object')
      this.#done.set(data, data)
      return this.#properties(data, Object.keys(data))
    }
    const extension = this.#extensions.get(name)
    if (extension === undefined) throw new UnknownExtension(`there is no extension ${JSON.stringify(name)}`)
    const value = extension.decode(this.of(tag.data))
    this.#done.set(tag, value)
    return value
  }

  #properties(holder: object, names: readonly string[]): object {
    for (const name of names) {
      const part: unknown = Reflect.get(holder, name)
      if (typeof part !== 'object' || part === null) continue
      const value = this.of(part)
      // Defined, not assigned: `__proto__` as a name of data must stay one.
      if (value !== part) Object.defineProperty(holder, name, { value })
    }
    return holder
  }

  #map(map: Map<unknown, unknown>): Map<unknown, unknown> {
    const entries = [...map].map(([key, value]) => [this.of(key), this.of(value)] as const)
    map.clear()
    for (const [key, value] of entries) map.set(key, value)
    return map
  }

  #set(set: Set<unknown>): Set<unknown> {
    const members = [...set].map((member) => this.of(member))
    set.clear()
    for (const member of members) set.add(member)
    return set
  }
}
