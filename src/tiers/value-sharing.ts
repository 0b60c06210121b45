// Keeps callers from changing the values in L1: a deep freeze, or a copy on the way in and on the way out.

import { CacheError, show } from '../model/errors.js'
import { copyLeaf, DataCopy } from '../model/values/data-copy.js'
import type { DataKind } from '../model/values/data-kinds.js'
import { type Extension, extensionOf } from '../model/values/extension.js'
import { isPlainObject } from '../model/values/plain-object.js'

/**
 * Freezes arrays and plain objects, nested ones included, and returns `value` itself. JavaScript cannot freeze the contents of Map, Set,
 * Date and bytes, and instances of classes may need to change themselves, so those stay as they are.
 */
export function freezeValue<V>(value: V): V {
  const seen = new Set<unknown>()
  const left: unknown[] = [value]
  while (left.length !== 0) {
    const next = left.pop()
    if (seen.has(next) || !(Array.isArray(next) || isPlainObject(next))) continue
    seen.add(next)
    for (const part of Object.values(Object.freeze(next))) left.push(part)
  }
  return value
}

/**
 * A deep copy that shares nothing mutable with `value` and has the same cycles and shared parts. It copies whatever the codec can encode,
 * values of extensions by encoding and decoding them. For everything else it throws `UNSUPPORTED_VALUE`.
 */
export function cloneValue<V>(value: V, extensions: readonly Extension[] = NONE): V {
  if (typeof value !== 'object' && typeof value !== 'function' && typeof value !== 'symbol') return value
  try {
    return new Clone(extensions).of(value) as V
  } catch (error) {
    if (error instanceof CacheError) throw error
    // Nested too deeply for the stack, or a getter of the user's threw: `cause` says which.
    throw unsupported('a value that cannot be read completely', error)
  }
}

const NONE: readonly Extension[] = []

class Clone extends DataCopy {
  constructor(private readonly extensions: readonly Extension[]) {
    super()
  }

  protected override ofCode(value: unknown): never {
    throw unsupported(show(value))
  }

  protected override ofLeaf(value: object, kind: DataKind): object {
    return copyLeaf(value, kind)
  }

  protected override ofOther(value: object): unknown {
    const extension = extensionOf(this.extensions, value)
    if (extension === undefined) throw unsupported(describe(value))
    return this.remember(value, extension.decode(this.of(extension.encode(value))))
  }
}

function describe(value: object): string {
  const name: unknown = value.constructor?.name
  return typeof name === 'string' && name !== '' ? `an instance of ${name}` : show(value)
}

function unsupported(got: string, cause?: unknown): CacheError {
  const message = `l1.values 'cloned' can copy data only; got ${got}. Use 'frozen' or 'shared', or cache plain data`
  return new CacheError('UNSUPPORTED_VALUE', message, { cause })
}
