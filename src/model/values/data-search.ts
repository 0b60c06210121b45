// The slow search for parts of a value that cannot be kept. It knows the place of each part, and runs only if the quick check was not sure.

import { show, showName } from '../errors.js'
import { foreignReason, foreignText } from '../text/foreign-text.js'
import { brandOf, type DataKind, dataKindOf, extraNameOf } from './data-kinds.js'
import { DataLimits } from './data-limits.js'
import { type Extension, extensionOf } from './extension.js'
import { isPlainObject } from './plain-object.js'
import type { Refusal } from './refused-value.js'
import { whatCanBeUsedOnce } from './used-once.js'

/** What is allowed besides data. */
export interface SearchRules {
  readonly extensions: readonly Extension[]
  /** Instances that no extension knows. refuse: none is allowed. plain: they become plain objects. keep: those that can be read more than once. */
  readonly others: 'refuse' | 'plain' | 'keep'
  /** Functions and symbols. With 'keep', the size limits do not apply either: the value lives in memory only. */
  readonly code: 'refuse' | 'keep'
}

/** A part of the value and the step from its parent. The path is only built for a part that is refused. */
interface Place {
  readonly value: unknown
  readonly parent: Place | undefined
  readonly step: () => string
}

/** The result of a search: 'instances' if there are some that have to become plain objects. */
export type Findings = 'data' | 'instances' | (Refusal & { readonly cause?: unknown })

const ONCE_CURE = 'It can be read only once, so a second reader would get nothing: read it first and cache its content'
const INSTANCE_CURE =
  "Teach the cache its class with the option extend, let the cache keep plain objects with values: 'plain', convert it yourself, " +
  "or keep the entry in memory only with tiers: 'l1'"
const SIZE_CURE =
  "Cache a smaller value, or the data from which it is made, or keep the entry in memory only with tiers: 'l1'"
const OTHER_CURE = "Leave it out, convert it, or keep the entry in memory only with tiers: 'l1'"

/** Returns the first part in reading order that the rules do not allow, or what the value consists of. Never throws. */
export function search(root: unknown, rules: SearchRules): Findings {
  const seen = new Set<unknown>()
  const limits = new DataLimits()
  let findings: 'data' | 'instances' = 'data'
  // A stack: children are pushed in reverse, so that the first refused part in reading order is found.
  const open: Place[] = [{ value: root, parent: undefined, step: () => 'value' }]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    try {
      const found = look(place, rules, seen, limits)
      if ('what' in found) return { path: pathOf(place), ...found }
      if (found.becomesPlain) findings = 'instances'
      for (let i = found.parts.length - 1; i >= 0; i--) open.push(found.parts[i] as Place)
    } catch (error) {
      const what = `an object that cannot be read (${foreignReason(error)})`
      return { path: pathOf(place), what, cure: OTHER_CURE, cause: error }
    }
  }
  return findings
}

type Objection = Omit<Refusal, 'path'> & { readonly cause?: unknown }

interface Parts {
  readonly parts: readonly Place[]
  readonly becomesPlain: boolean
}

const NO_PARTS: Parts = { parts: [], becomesPlain: false }

/** The parts to look at next, or what is wrong with this one. */
function look(place: Place, rules: SearchRules, seen: Set<unknown>, limits: DataLimits): Parts | Objection {
  const { value } = place
  if (typeof value === 'function' || typeof value === 'symbol')
    return rules.code === 'keep' ? NO_PARTS : codeObjection(value)
  if (typeof value === 'bigint') {
    return (rules.code === 'keep' ? undefined : objectionToSize(limits.bigint(value))) ?? NO_PARTS
  }
  if (typeof value !== 'object' || value === null) return NO_PARTS
  const isSeen = seen.has(value)
  seen.add(value)
  const kind = dataKindOf(value)
  if (kind !== undefined) {
    if (isSeen) return NO_PARTS
    const tooMuch = rules.code === 'keep' ? undefined : objectionToSize(whatIsTooMuch(value, kind, limits))
    return tooMuch ?? { parts: childrenOf(value, kind, place), becomesPlain: false }
  }
  const extension = extensionOf(rules.extensions, value)
  if (extension !== undefined) return isSeen ? cycleIn(place, extension) : encodedBy(extension, value, place)
  if (isSeen) return NO_PARTS
  const once = whatCanBeUsedOnce(value)
  if (once !== undefined) return { what: once, cure: ONCE_CURE }
  if (rules.others === 'keep') return NO_PARTS
  if (rules.others === 'plain') {
    const kindOfPlain = brandOf(value) ?? (Object.keys(value).length > 0 || isPlainObject(value) ? 'plain' : undefined)
    if (kindOfPlain !== undefined) return { parts: childrenOf(value, kindOfPlain, place), becomesPlain: true }
  }
  return objectionTo(value, rules)
}

/** What exceeds a limit that every reader of L2 has. Memory has no such limit. */
function whatIsTooMuch(value: object, kind: DataKind, limits: DataLimits): string | undefined {
  switch (kind) {
    case 'regexp':
      return limits.regexp((value as RegExp).source, (value as RegExp).flags)
    case 'error':
      return limits.error(Object.getOwnPropertyNames(value).length)
    case 'array':
      return isSparse(value as readonly unknown[]) ? limits.sparse((value as readonly unknown[]).length) : undefined
    default:
      return undefined
  }
}

function isSparse(array: readonly unknown[]): boolean {
  return Object.keys(array).length < array.length
}

function objectionToSize(what: string | undefined): Objection | undefined {
  return what === undefined ? undefined : { what, cure: SIZE_CURE }
}

function codeObjection(value: unknown): Objection {
  return { what: typeof value === 'symbol' ? `a symbol (${show(value)})` : show(value), cure: OTHER_CURE }
}

function encodedBy(extension: Extension, value: object, parent: Place): Parts | Objection {
  const step = () => ` as ${extension.name} encodes it`
  try {
    return { parts: [{ value: extension.encode(value), parent, step }], becomesPlain: false }
  } catch (error) {
    return {
      what: `a value that the extension ${extension.name} could not encode (${foreignReason(error)})`,
      cure: 'Fix its encode; see cause',
      cause: error,
    }
  }
}

function cycleIn(place: Place, { name }: Extension): Parts | Objection {
  for (let above = place.parent; above !== undefined; above = above.parent) {
    if (above.value !== place.value) continue
    return {
      what: `a value that its own extension ${name} leads back to`,
      cure: 'Let encode return what identifies the other value instead of the value itself',
    }
  }
  return NO_PARTS
}

function objectionTo(value: object, rules: SearchRules): Objection {
  const symbol = Object.getOwnPropertySymbols(value)[0]
  if (symbol !== undefined && (isPlainObject(value) || brandOf(value) !== undefined))
    return { what: `an object with the symbol key ${show(symbol)}`, cure: OTHER_CURE }
  if (Array.isArray(value) && isNamed(value, 'Array')) {
    return { what: `an array with the property ${showName(extraNameOf(value) ?? '')}`, cure: OTHER_CURE }
  }
  const name = nameOf(value)
  const isAdorned = brandOf(value) !== undefined && isBuiltInName(name) && Object.keys(value).length > 0
  if (isAdorned) return { what: `an instance of ${name} with properties of its own`, cure: OTHER_CURE }
  const what = name === undefined ? 'an instance of an unnamed class' : `an instance of ${name}`
  // `values: 'plain'` is set already, but the instance keeps its content somewhere else than in properties.
  if (rules.others === 'plain')
    return { what: `${what}, which has no enumerable properties of its own`, cure: EMPTY_CURE }
  return { what, cure: INSTANCE_CURE }
}

const EMPTY_CURE = 'Teach the cache its class with the option extend, or convert it yourself'

function isNamed(value: object, name: string): boolean {
  return nameOf(value) === name
}

function nameOf(value: object): string | undefined {
  const type: unknown = value.constructor
  return typeof type === 'function' && type.name !== '' ? foreignText(String(type.name), 60) : undefined
}

function isBuiltInName(name: string | undefined): boolean {
  return ['Date', 'Map', 'Set', 'RegExp', 'ArrayBuffer', 'URL'].includes(name ?? '')
}

function childrenOf(value: object, kind: DataKind, parent: Place): Place[] {
  switch (kind) {
    case 'map':
      return [...(value as ReadonlyMap<unknown, unknown>)].flatMap(([key, item]): Place[] => [
        { value: key, parent, step: () => `.keys(${show(key)})` },
        { value: item, parent, step: () => `.get(${show(key)})` },
      ])
    case 'set':
      return [...(value as ReadonlySet<unknown>)].map((item) => ({
        value: item,
        parent,
        step: () => `.has(${show(item)})`,
      }))
    case 'error':
      return Object.getOwnPropertyNames(value).map((name) => childOf(value, name, parent))
    case 'array':
    case 'plain':
    case 'bare':
      return Object.keys(value).map((name) => childOf(value, name, parent))
    default:
      return []
  }
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/

function childOf(holder: object, name: string, parent: Place): Place {
  const isElement = Array.isArray(holder)
  const step = () =>
    isElement ? `[${name}]` : IDENTIFIER.test(name) ? `.${foreignText(name, 60)}` : `[${showName(name)}]`
  return { value: Reflect.get(holder, name), parent, step }
}

function pathOf(place: Place): string {
  const steps: string[] = []
  for (let at: Place | undefined = place; at !== undefined; at = at.parent) steps.push(at.step())
  return steps.reverse().join('')
}
