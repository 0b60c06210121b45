// Finds what cannot be kept, with the path to it. Runs only after the writer refused: it may be slow.
import { CacheError, show } from '../model/errors.js'
import { isPlainArray, isPlainObject, Kind, kindOf } from './special-values.js'

interface Place {
  readonly value: unknown
  readonly path: string
}

const LONGEST_PATH = 200
const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

/** The error for a value that the writer refused. `cause` is what it threw, if that says more. */
export function unsupported(root: unknown, cause: unknown): CacheError {
  const found = search(root)
  if (found === undefined) {
    return new CacheError('UNSUPPORTED_VALUE', 'the value could not be read while it was encoded for L2; see cause', {
      cause,
    })
  }
  return new CacheError(
    'UNSUPPORTED_VALUE',
    `expected plain data, to be kept in L2; ${shorten(found.path)} is ${found.what}. ` +
      `Leave it out, convert it, or keep the entry in memory only with tiers: 'l1'`,
    { cause },
  )
}

function search(root: unknown): { path: string; what: string } | undefined {
  const seen = new Set<unknown>()
  // A stack, children pushed in reverse, so that the first offender in reading order is found.
  const open: Place[] = [{ value: root, path: 'value' }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const { value, path } = place
    const what = objection(value)
    if (what !== undefined) return { path, what }
    if (typeof value !== 'object' || value === null || seen.has(value)) continue
    seen.add(value)
    try {
      open.push(...childrenOf(value, path).reverse())
    } catch (error) {
      return { path, what: `unreadable (${show(String(error))})` }
    }
  }
  return undefined
}

/** Why this one value, apart from what it holds, cannot be kept. */
function objection(value: unknown): string | undefined {
  if (typeof value === 'function') return show(value)
  if (typeof value === 'symbol') return `a symbol (${String(value)})`
  if (typeof value !== 'object' || value === null) return undefined
  try {
    return objectionTo(value)
  } catch {
    return 'an object that cannot be inspected, such as a revoked proxy'
  }
}

function objectionTo(value: object): string | undefined {
  const symbol = Object.getOwnPropertySymbols(value)[0]
  if (symbol !== undefined) return `an object with the symbol key ${String(symbol)}`
  if (isPlainObject(value)) return undefined
  if (isPlainArray(value)) {
    const extra = Object.keys(value).find((key) => !/^(0|[1-9]\d*)$/.test(key))
    return extra === undefined ? undefined : `an array with the property ${show(extra)}`
  }
  if (kindOf(value) !== undefined) return undefined
  const type: unknown = value.constructor
  const name = typeof type === 'function' && type.name !== '' ? type.name : 'an unnamed class'
  const own = Object.keys(value).length > 0 && isBuiltin(value) ? ' with properties of its own' : ''
  return `an instance of ${name}${own}`
}

function isBuiltin(value: object): boolean {
  return [Date, Map, Set, RegExp, ArrayBuffer, URL].some((type) => Object.getPrototypeOf(value) === type.prototype)
}

function childrenOf(value: object, path: string): Place[] {
  switch (isPlainObject(value) || isPlainArray(value) ? Kind.node : kindOf(value)) {
    case Kind.map:
      return [...(value as Map<unknown, unknown>)].flatMap(([key, item]) => [
        { value: key, path: `${path}.keys(${show(key)})` },
        { value: item, path: `${path}.get(${show(key)})` },
      ])
    case Kind.set:
      return [...(value as Set<unknown>)].map((item) => ({ value: item, path: `${path}.has(${show(item)})` }))
    case Kind.error:
      return Object.getOwnPropertyNames(value).map((key) => childOf(value, key, path))
    case Kind.node:
    case Kind.bare:
      return Object.keys(value).map((key) => childOf(value, key, path))
    default:
      return []
  }
}

function childOf(value: object, key: string, path: string): Place {
  const step = Array.isArray(value) ? `[${key}]` : IDENTIFIER.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`
  return { value: Reflect.get(value, key), path: path + step }
}

function shorten(path: string): string {
  return path.length > LONGEST_PATH ? `${path.slice(0, 80)}...${path.slice(-110)}` : path
}
