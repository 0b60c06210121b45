// Decides whether and how a cache keeps a value: the same with and without an L2.
import { isPlainData } from './data-check.js'
import { PlainCopy } from './data-copy.js'
import { search } from './data-search.js'
import { type Extension, extensionOf } from './extension.js'
import { RefusedValue } from './refused-value.js'

/** How instances of classes that no extension knows are treated: `'exact'` refuses them, `'plain'` keeps them as plain objects. */
export type ValueMode = 'exact' | 'plain'

/** The rules of one cache: its extensions and its `ValueMode`. */
export class ValueRules {
  constructor(
    readonly extensions: readonly Extension[],
    readonly mode: ValueMode,
  ) {}

  /**
   * Returns the value as it is cached: `value` itself, or a copy in which instances have become plain objects. Throws `RefusedValue`.
   * `'memory'` (for `tiers: 'l1'`) allows everything that can be read more than once.
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

  /** Throws `RefusedValue` for a value that can be read only once. */
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
      // It is nested deeper than the stack allows, or a getter threw only now.
      throw new RefusedValue({ path: 'value', what: 'a value that cannot be copied', cure: 'See cause' }, { cause })
    }
  }
}
