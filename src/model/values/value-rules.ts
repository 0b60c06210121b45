// What a cache keeps of a value, the same with and without an L2.
import { isPlainData } from './data-check.js'
import { PlainCopy } from './data-copy.js'
import { search } from './data-search.js'
import { type Extension, extensionOf } from './extension.js'
import { RefusedValue } from './refused-value.js'

/** Whether instances of classes that no extension knows are refused, or kept as plain objects. */
export type ValueMode = 'exact' | 'plain'

export class ValueRules {
  constructor(
    readonly extensions: readonly Extension[],
    readonly mode: ValueMode,
  ) {}

  /**
   * The value as it is cached: `value` itself, or a copy in which instances have become plain objects. Throws `RefusedValue`.
   * In `memory` only (`tiers: 'l1'`) whatever can be used more than once is kept as it is.
   */
  accept<V>(value: V, where: 'everywhere' | 'memory'): V {
    if (isPlainData(value)) return value
    const code = where === 'memory' ? 'keep' : 'refuse'
    const others = this.mode === 'plain' ? 'plain' : code
    const findings = search(value, { extensions: this.extensions, others, code })
    if (findings === 'data') return value
    if (findings !== 'instances') throw new RefusedValue(findings, { cause: findings.cause })
    return this.#plain(value)
  }

  /** Throws `RefusedValue` for what only its first reader could use. */
  checkReusable(value: unknown): void {
    if (isPlainData(value)) return
    const findings = search(value, { extensions: this.extensions, others: 'keep', code: 'keep' })
    if (typeof findings !== 'string') throw new RefusedValue(findings, { cause: findings.cause })
  }

  #plain<V>(value: V): V {
    const copy = new PlainCopy((instance) => extensionOf(this.extensions, instance) !== undefined)
    try {
      return copy.of(value) as V
    } catch (cause) {
      // Nested deeper than the stack, or a getter that threw only now.
      throw new RefusedValue({ path: 'value', what: 'a value that cannot be copied', cure: 'See cause' }, { cause })
    }
  }
}
