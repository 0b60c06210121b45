// Value → what msgpackr writes exactly: a copy of the plain data, checked, with a hole for whatever that library refuses or changes in silence.
// The copy is ours: each getter and proxy is read once, so nothing changes between the check and the writing.
import { types } from 'node:util'
import { isWellFormed } from '../../model/text/well-formed.js'
import { dataKindOf, extraNameOf, hasSymbolKey } from '../../model/values/data-kinds.js'
import type { DecodeBudget } from './decode-budget.js'
import { HOLE, type PlainForm } from './msgpackr.js'
import { Kind, specialKind, wireKindOf } from './special-kinds.js'

/** Thrown for what cannot be kept. Who catches it finds out where that is: the fast path carries no path. */
export const REFUSED = Symbol('refused')

/** Objects with more keys are dictionaries: their key lists do not repeat. */
export const MAX_RECORD_KEYS = 64

/** Deeper objects are written behind the tree, so that neither side ever recurses further. */
const MAX_DEPTH = 100
/** A value as heavy as this (about its size in bytes) may be so because of a cycle or a fan of shared objects. */
const SUSPICIOUS_WEIGHT = 262_144
/** So may one of so many special values that contain others, which are written one after another. */
const SUSPICIOUS_CONTAINERS = 1000

const MIN_INT64 = -(2n ** 63n)
const MAX_INT64 = 2n ** 63n - 1n

/** What msgpackr drops when it reads a long text that begins with it. */
const BYTE_ORDER_MARK = 0xfeff

/**
 * What is done about objects that several places refer to: each place gets a copy (`copied`); begin again at the second place (`watched`);
 * every object leaves a hole, to which further places refer (`kept`). A value begins with the first and goes on where that does not do.
 */
type Sharing = 'copied' | 'watched' | 'kept'

/** Thrown to begin again, with what comes next in `Sharing`. */
const AGAIN = Symbol('again')

/** Throws `REFUSED`, `OverBudget` (`budget`: what a reader allows), or whatever a getter of the value's throws. */
export function plainFormOf(value: unknown, budget: DecodeBudget, sharing: Sharing = 'copied'): PlainForm {
  try {
    return new HoleMaker(value, budget, sharing).form()
  } catch (thrown) {
    if (thrown !== AGAIN) throw thrown
    return plainFormOf(value, budget, sharing === 'copied' ? 'watched' : 'kept')
  }
}

class HoleMaker {
  private readonly kinds: number[] = []
  private readonly specials: unknown[] = []
  /** The objects that were met, each with its hole, if sharing is `kept`. */
  private readonly known = new Map<object, number>()
  private readonly dictionaries = new Set<object>()
  private objects = 0
  private weight = 0
  private depth = 0
  /** Special values that contain others. */
  private containers = 0

  constructor(
    private readonly root: unknown,
    private readonly budget: DecodeBudget,
    private readonly sharing: Sharing,
  ) {}

  form(): PlainForm {
    this.budget.begin()
    const tree = this.part(this.root)
    const isRich = this.kinds.length > 0
    return {
      tree: isRich ? this.withSpecials(tree) : tree,
      isRich,
      objects: this.objects,
      weight: this.weight,
      dictionaries: this.dictionaries,
    }
  }

  /** The tree, the part of each special value, and the kinds. A part may have holes of its own, which join the end of the same list. */
  private withSpecials(tree: unknown): unknown[] {
    const { kinds } = this
    const parts = [tree]
    for (let i = 0; i < kinds.length; i++) {
      const kind = kinds[i]!
      if (kind === Kind.undefined) continue
      if (this.weight > SUSPICIOUS_WEIGHT || this.containers > SUSPICIOUS_CONTAINERS) this.suspect()
      this.depth = 0
      parts.push(this.special(kind, this.specials[i]))
    }
    parts.push(Uint8Array.from(kinds))
    this.budget.array(parts.length)
    return parts
  }

  private part(value: unknown): unknown {
    switch (typeof value) {
      case 'string':
        this.weight += value.length
        return isExact(value) ? value : this.hole(Kind.illFormed, value)
      case 'number':
        return value === 0 && Object.is(value, -0) ? this.hole(Kind.negativeZero, value) : value
      case 'object':
        return value === null ? null : this.object(value)
      case 'boolean':
        return value
      case 'undefined':
        return this.hole(Kind.undefined, undefined)
      case 'bigint':
        return value >= MIN_INT64 && value <= MAX_INT64 ? value : this.hole(Kind.bigint, value)
      default:
        throw REFUSED
    }
  }

  private object(value: object): unknown {
    if (this.sharing === 'kept') return this.keptObject(value)
    if (this.sharing === 'watched') {
      if (this.known.has(value)) throw AGAIN
      this.known.set(value, 0)
    } else if (this.weight > SUSPICIOUS_WEIGHT) this.suspect()
    return this.copiedObject(value)
  }

  private copiedObject(value: object): unknown {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype) return this.plainObject(value)
    if (prototype === Array.prototype && Array.isArray(value)) return this.array(value)
    const kind = dataKindOf(value)
    if (kind === undefined) throw REFUSED
    if (kind === 'plain') return this.plainObject(value)
    return kind === 'array' ? this.array(value as unknown[]) : this.hole(wireKindOf(value, kind), value)
  }

  private keptObject(value: object): unknown {
    const first = this.known.get(value)
    if (first !== undefined) return this.hole(Kind.reference, first)
    this.known.set(value, this.kinds.length)
    return this.copiedObject(value)
  }

  private suspect(): void {
    if (this.sharing === 'copied') throw AGAIN
  }

  /** Whether a plain object or array leaves a hole here. */
  private leavesHole(): boolean {
    if (this.sharing === 'kept') return true
    if (this.depth < MAX_DEPTH) return false
    this.suspect()
    return true
  }

  private plainObject(value: object): unknown {
    if (hasSymbolKey(value)) throw REFUSED
    const names = Object.keys(value)
    const copy: Record<string, unknown> = { ...value }
    if (names.some(isAwkward)) return this.hole(Kind.entries, copy)
    return this.leavesHole() ? this.hole(Kind.node, copy) : this.properties(copy, names)
  }

  private properties(copy: Record<string, unknown>, names: readonly string[]): object {
    this.depth++
    this.objects++
    this.weight += names.length
    this.budget.object(names.length)
    this.budget.indices(names)
    if (names.length > MAX_RECORD_KEYS) this.dictionaries.add(copy)
    for (const name of names) {
      const value = copy[name]
      // A getter removed it meanwhile.
      if (value === undefined && !Object.hasOwn(copy, name)) throw REFUSED
      const part = this.part(value)
      if (part !== value) copy[name] = part
    }
    this.depth--
    return copy
  }

  private array(value: readonly unknown[]): unknown {
    const names = Object.keys(value).length
    if (hasSymbolKey(value) || (names !== value.length && extraNameOf(value) !== undefined)) throw REFUSED
    if (names < value.length) return this.hole(Kind.sparse, value)
    const copy = value.slice()
    return this.leavesHole() ? this.hole(Kind.node, copy) : this.elements(copy)
  }

  private elements(copy: unknown[]): unknown[] {
    this.depth++
    this.weight += copy.length
    this.budget.array(copy.length)
    for (let i = 0; i < copy.length; i++) {
      const value = copy[i]
      // As many names as elements and still a hole: then one of the names is no index.
      if (value === undefined && !(i in copy)) throw REFUSED
      const part = this.part(value)
      if (part !== value) copy[i] = part
    }
    this.depth--
    return copy
  }

  private hole(kind: number, special: unknown): object {
    this.budget.take(specialKind(kind).bytes)
    this.kinds.push(kind)
    this.specials.push(special)
    return HOLE
  }

  private special(kind: number, special: unknown): unknown {
    if (kind === Kind.node) {
      this.containers++
      return Array.isArray(special)
        ? this.elements(special)
        : this.properties(special as Record<string, unknown>, Object.keys(special as object))
    }
    const { partOf, hold } = specialKind(kind)
    const part = partOf(special)
    hold?.(part, this.budget)
    if (Array.isArray(part)) {
      this.containers++
      return this.elements(part)
    }
    if (types.isUint8Array(part)) this.weight += part.length
    return part
  }
}

/** Whether msgpackr reads the same text that it writes. */
function isExact(text: string): boolean {
  return isWellFormed(text) && text.charCodeAt(0) !== BYTE_ORDER_MARK
}

/** Whether msgpackr changes a name, uses it itself, or calls what stands under it. */
function isAwkward(name: string): boolean {
  return name === '__proto__' || name === '__keys__' || name === 'hasOwnProperty' || !isExact(name)
}
