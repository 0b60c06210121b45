// Values of extensions as data that any codec can write: `{ $tiercache: <name>, data: <what encode returned> }`. An object of the
// user's that has the key `$tiercache` itself is wrapped with an empty name, so that no data is taken for a tag.

import { CacheError } from '../../model/errors.js'
import { isPlainData } from '../../model/values/data-check.js'
import { DataCopy } from '../../model/values/data-copy.js'
import { type Extension, extensionOf } from '../../model/values/extension.js'

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

/** A copy in which all but containers is the original: what is no data the codec refuses, and says where it is. */
abstract class TagCopy extends DataCopy {
  constructor(protected readonly extensions: readonly Extension[]) {
    super()
  }

  protected override ofCode(value: unknown): unknown {
    return value
  }

  protected override ofLeaf(value: object): object {
    return value
  }

  protected override ofOther(value: object): unknown {
    return value
  }
}

class Tagging extends TagCopy {
  hasTagged = false

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

/** A copy of the value, with what the tags stand for in their places. Throws `UnknownExtension`, and what `decode` throws. */
export function untagExtended(decoded: unknown, extensions: readonly Extension[]): unknown {
  return new Untagging(extensions).of(decoded)
}

class Untagging extends TagCopy {
  protected override ofProperties<T extends object>(value: object, copy: T): T {
    if (!Object.hasOwn(value, TAG)) return super.ofProperties(value, copy)
    const { [TAG]: name, data } = value as Tag
    if (name !== '') return this.remember(value, this.#decoded(name, data)) as T
    if (typeof data !== 'object' || data === null) throw new Error('a tag without a name holds no object')
    if (Object.getPrototypeOf(data) === null) Object.setPrototypeOf(copy, null)
    return super.ofProperties(data, this.remember(data, copy))
  }

  #decoded(name: string, data: unknown): unknown {
    const extension = this.extensions.find((known) => known.name === name)
    if (extension === undefined) throw new UnknownExtension(`there is no extension ${JSON.stringify(name)}`)
    return extension.decode(this.of(data))
  }
}
