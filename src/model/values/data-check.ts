// The verdict on a value: whether it is data through and through. First a quick walk that says yes to nearly everything and
// remembers nothing; only where that is not sure, a slow one that knows where it is.
import { dataKindOf } from './data-kinds.js'
import { isSmallBigint, isSmallRegExp, MAX_ERROR_PROPERTIES } from './data-limits.js'

/** Objects that the quick walk looks into: cycles end with it, and so does a value whose parts share parts many times over. */
const MAX_OBJECTS = 100_000
const MAX_DEPTH = 100
/** 64 elements count as an object, but 8 of an array with holes: what passes is certainly within the limit of those. */
const ELEMENTS_SHIFT = 6
const HOLES_SHIFT = 3
/** One counts as so many objects: about a hundred are certainly within their limits. */
const REGEXP_WEIGHT = 1024
const UNSURE = -1

/**
 * Whether `value` certainly is data, whatever an extension may say. `false` means "look closer". It allocates nothing for plain
 * objects and arrays but their lists of symbols and names (bench/micro/data-check.ts).
 */
export function isPlainData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return isPlainPrimitive(value)
  try {
    return walk(value, 0, MAX_OBJECTS) !== UNSURE
  } catch {
    return false // a getter or proxy threw: the slow walk finds out where
  }
}

function isPlainPrimitive(value: unknown): boolean {
  if (typeof value === 'bigint') return isSmallBigint(value)
  return typeof value !== 'function' && typeof value !== 'symbol'
}

/** How many more objects may be looked into after `value`; `UNSURE`: stop. */
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
  // Also what somebody may have put on Object.prototype: at worst the slow walk runs.
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
