// The quick check of whether a value is data. It accepts nearly all data and remembers nothing. Only if it is not sure does the slow search
// run (`data-search.ts`), which knows the place of each part.
import { dataKindOf } from './data-kinds.js'
import { isSmallBigint, isSmallRegExp, MAX_ERROR_PROPERTIES } from './data-limits.js'

/** The most objects that the quick check visits. It ends cycles, and values whose parts are shared many times over. */
const MAX_OBJECTS = 100_000
const MAX_DEPTH = 100
/** 64 elements count as one object; in an array with holes 8 do, so that arrays that pass are within the limit for those. */
const ELEMENTS_SHIFT = 6
const HOLES_SHIFT = 3
/** A small RegExp counts as this many objects: about a hundred of them are within the limits for RegExps. */
const REGEXP_WEIGHT = 1024
const UNSURE = -1

/**
 * Whether `value` is certainly data, even with extensions. `false` means that a closer look is needed. For plain objects and arrays it
 * allocates nothing but the lists of their symbols and names (bench/micro/data-check.ts).
 */
export function isPlainData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPlainPrimitive(value)
  try {
    return walk(value, 0, MAX_OBJECTS) !== UNSURE
  } catch {
    return false // a getter or proxy threw: the slow search finds out where
  }
}

function isPlainPrimitive(value: unknown): boolean {
  if (typeof value === 'bigint') return isSmallBigint(value)
  return typeof value !== 'function' && typeof value !== 'symbol'
}

/** How many more objects may be visited after `value`; `UNSURE`: stop. */
function walk(value: object, depth: number, left: number): number {
  if (left <= 0 || depth === MAX_DEPTH) return UNSURE
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === Object.prototype) {
    if (Object.getOwnPropertySymbols(value).length !== 0) return UNSURE
    return walkProperties(value as Readonly<Record<string, unknown>>, depth, left - 1)
  }
  switch (dataKindOf(value)) {
    case undefined:
      return UNSURE
    case 'plain':
    case 'bare':
      return walkProperties(value as Readonly<Record<string, unknown>>, depth, left - 1)
    case 'array':
      return walkElements(value as readonly unknown[], depth, left - 1)
    case 'map':
      return walkMap(value as ReadonlyMap<unknown, unknown>, depth, left - 1)
    case 'set':
      return walkElements([...(value as ReadonlySet<unknown>)], depth, left - 1)
    case 'error':
      return walkError(value, depth, left - 1)
    case 'regexp':
      return isSmallRegExp(value as RegExp) && left > REGEXP_WEIGHT ? left - REGEXP_WEIGHT : UNSURE
    default:
      return left - 1
  }
}

function walkProperties(value: Readonly<Record<string, unknown>>, depth: number, before: number): number {
  let left = before
  // This includes properties of a polluted Object.prototype: at worst the slow search runs.
  for (const name in value) {
    const part = value[name]
    if (typeof part === 'object') {
      if (part !== null) left = walk(part, depth + 1, left)
      if (left === UNSURE) return UNSURE
    } else if (!isPlainPrimitive(part)) return UNSURE
  }
  return left
}

function walkElements(elements: readonly unknown[], depth: number, before: number): number {
  // A sparse array may have a length of billions.
  if (elements.length > MAX_OBJECTS * 10) return UNSURE
  let left = before - (elements.length >>> ELEMENTS_SHIFT)
  let hasHole = false
  for (let i = 0; i < elements.length; i++) {
    const part = elements[i]
    if (part === undefined && !hasHole && !(i in elements)) {
      hasHole = true
      left -= elements.length >>> HOLES_SHIFT
      if (left < 0) return UNSURE
    }
    if (typeof part === 'object') {
      if (part !== null) left = walk(part, depth + 1, left)
      if (left === UNSURE) return UNSURE
    } else if (!isPlainPrimitive(part)) return UNSURE
  }
  return left
}

function walkError(error: object, depth: number, before: number): number {
  const names = Object.getOwnPropertyNames(error)
  if (names.length > MAX_ERROR_PROPERTIES) return UNSURE
  return walkElements(
    names.map((name) => Reflect.get(error, name)),
    depth,
    before,
  )
}

function walkMap(map: ReadonlyMap<unknown, unknown>, depth: number, before: number): number {
  const left = walkElements([...map.keys()], depth, before)
  return left === UNSURE ? UNSURE : walkElements([...map.values()], depth, left)
}
