// Fills the holes that hole-maker.ts left: puts Date, Map, cycles and the like where they belong (see docs/wire-format.md).
import type { DecodeBudget } from './decode-budget.js'
import { HOLE } from './msgpackr.js'
import { binary, isContainer, list, malformed } from './parts.js'
import { Kind, specialKind } from './special-kinds.js'

/**
 * The value of a rich form: `form` has the tree, the part of each special value, and their kinds; `budget` is that of the payload, of which
 * the tree has taken its share. Throws on what the writer never writes.
 */
export function fillHoles(form: unknown, budget: DecodeBudget): unknown {
  return new HoleFiller(list(form), budget).value()
}

/**
 * Puts the special values into their holes. First every one is made, empty where it can refer to others, then each is filled:
 * so cycles need no further thought.
 */
class HoleFiller {
  private readonly tree: { root: unknown }
  private readonly kinds: Uint8Array
  private readonly parts: unknown[] = []
  private readonly values: unknown[] = []
  private nextHole = 0

  constructor(
    form: readonly unknown[],
    private readonly budget: DecodeBudget,
  ) {
    this.kinds = binary(form.at(-1))
    this.tree = { root: form[0] }
    let next = 1
    for (const kind of this.kinds) this.parts.push(kind === Kind.undefined ? undefined : form[next++])
    if (next !== form.length - 1) throw malformed('count of parts')
  }

  value(): unknown {
    const { kinds, parts } = this
    for (let i = 0; i < kinds.length; i++) this.make(kinds[i]!, parts[i])
    this.fillIn(this.tree)
    for (let i = 0; i < kinds.length; i++) {
      const part = parts[i]
      if (isContainer(part)) this.fillIn(part)
      this.complete(kinds[i]!, part, this.values[i])
    }
    if (this.nextHole !== kinds.length) throw malformed('count of holes')
    return this.tree.root
  }

  private make(kind: number, part: unknown): void {
    const { bytes, hold, make, fill } = specialKind(kind)
    this.budget.take(bytes)
    // Before it is made: that may be what takes long.
    if (fill === undefined) hold?.(part, this.budget)
    this.values.push(make(part, this.values))
  }

  private complete(kind: number, part: unknown, value: unknown): void {
    const { hold, fill } = specialKind(kind)
    if (fill === undefined) return
    hold?.(part, this.budget)
    fill(value, part, this.budget)
  }

  private fillIn(container: object): void {
    if (Array.isArray(container)) {
      for (let i = 0; i < container.length; i++) {
        const item: unknown = container[i]
        if (item === HOLE) container[i] = this.takeHole()
        else if (isContainer(item)) this.fillIn(item)
      }
      return
    }
    const object = container as Record<string, unknown>
    for (const key in object) {
      const item = object[key]
      if (item === HOLE) object[key] = this.takeHole()
      // Somebody may have put an enumerable object on Object.prototype.
      else if (isContainer(item) && Object.hasOwn(object, key)) this.fillIn(item)
    }
  }

  private takeHole(): unknown {
    if (this.nextHole === this.values.length) throw malformed('count of holes')
    return this.values[this.nextHole++]
  }
}
