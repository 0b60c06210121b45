// Finds out which shared values of L1 callers change: keeps a copy of each value and compares before each hit.
// For development and tests, since each hit costs a comparison of the whole value.
import { isDeepStrictEqual } from 'node:util'
import type { Extension } from '../model/values/extension.js'
import { cloneValue } from './value-sharing.js'

interface Original {
  readonly copy: unknown
  localKey: string | undefined
}

export class Originals {
  readonly #byValue = new WeakMap<object, Original>()

  constructor(private readonly extensions: readonly Extension[]) {}

  /** Throws `UNSUPPORTED_VALUE` if the value cannot be copied. */
  remember(value: unknown): void {
    if (isObject(value)) this.#byValue.set(value, { copy: cloneValue(value, this.extensions), localKey: undefined })
  }

  /** Notes the key under which a remembered value is kept. */
  belongsTo(localKey: string, value: unknown): void {
    const original = isObject(value) ? this.#byValue.get(value) : undefined
    if (original !== undefined) original.localKey ??= localKey
  }

  /** Returns `value`. If a caller has changed it, calls `onChanged` with its key and returns a copy of the original. */
  unchanged<V>(value: V, onChanged: ((localKey: string) => void) | undefined): V {
    const original = isObject(value) ? this.#byValue.get(value) : undefined
    if (original === undefined || isDeepStrictEqual(value, original.copy)) return value
    if (original.localKey !== undefined) onChanged?.(original.localKey)
    return cloneValue(original.copy, this.extensions) as V
  }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
