// Whether two questions can have one answer at all, which no similarity can tell: an embedding of a question and of its opposite are
// neighbours. Pure functions, without a model. English first: see words.ts.
import { type Facts, factsOf, stemOf } from './facts.js'
import { OPPOSITES, STRONG_ROLES, SYNONYMS } from './words.js'

/** In what two questions disagree. */
export type Disagreement =
  /** Another number, written as digits or as a word. */
  | 'numbers'
  /** Another unit or currency. */
  | 'units'
  /** Other text in quotation marks. */
  | 'quoted'
  /** Another identifier, version, address or code. */
  | 'identifiers'
  /** A name that the other one does not have. */
  | 'names'
  /** One negates more often than the other. */
  | 'negation'
  /** Who, when, where or why. */
  | 'asked'
  /** Another direction, time or quantity: before, up, all, will. */
  | 'markers'
  /** The same words in other roles: from A to B, from B to A. */
  | 'roles'
  /** A word and its opposite. */
  | 'opposites'
  /** A content word in place of another one. Only with `'strict'`. */
  | 'words'
  /** A language that the lists do not cover. Only with `'strict'`. */
  | 'language'

/**
 * How strictly questions are compared. `'strict'` also refuses a content word in place of another one that is no known synonym, and what
 * is not English; `'facts'` leaves both to the threshold.
 */
export type GuardLevel = 'strict' | 'facts'

/** Returns in what two questions disagree; `undefined` if they may have one answer. */
export type Guard = (question: string, cached: string) => Disagreement | string | undefined

/** Returns the guard of a level. `synonyms` are groups of words that may replace each other, besides a few dozen built-in ones. */
export function guardOf(level: GuardLevel, synonyms: readonly (readonly string[])[] = []): Guard {
  const groups = groupsOf(synonyms)
  return (question, cached) => disagreement(factsOf(question), factsOf(cached), level, groups)
}

type Groups = ReadonlyMap<string, ReadonlySet<number>>

function disagreement(a: Facts, b: Facts, level: GuardLevel, groups: Groups): Disagreement | undefined {
  for (const name of ['quoted', 'identifiers', 'numbers', 'units'] as const) if (!isSame(a[name], b[name])) return name
  if (a.negations !== b.negations) return 'negation'
  if (a.names.some((name) => !b.words.has(name)) || b.names.some((name) => !a.words.has(name))) return 'names'
  if (a.asked.length > 0 && b.asked.length > 0 && !isSame(a.asked, b.asked)) return 'asked'
  if (!isSame(a.markers, b.markers)) return 'markers'
  const onlyA = without(a.content, b.content)
  const onlyB = without(b.content, a.content)
  if (haveOpposites(a.words, b.words)) return 'opposites'
  if (rolesDiffer(a, b) || !isSame(shared(a, onlyA), shared(b, onlyB))) return 'roles'
  if (level === 'strict') {
    if (!isEnglish(a) || !isEnglish(b)) return 'language'
    if (isExchanged(onlyA, onlyB, a.content.length - onlyA.length, groups)) return 'words'
  }
  return undefined
}

function isSame(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((one, i) => one === b[i])
}

/** The elements of `list` without those of `others`, each as often as it is there. */
function without(list: readonly string[], others: readonly string[]): string[] {
  const left = new Map<string, number>()
  for (const other of others) left.set(other, (left.get(other) ?? 0) + 1)
  return list.filter((one) => {
    const count = left.get(one) ?? 0
    left.set(one, count - 1)
    return count <= 0
  })
}

/** The content that both texts have, in the order of this one. */
function shared({ content }: Facts, only: readonly string[]): string[] {
  return without(content, only)
}

const PREFIXES = [
  'un',
  'in',
  'im',
  'il',
  'ir',
  'dis',
  'non',
  'mis',
  'anti',
  'de',
  'a',
  'counter',
  'under',
  'over',
  'pre',
  'post',
]

/** Compares all words, since fillers such as 'like' have opposites, too. */
function haveOpposites(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  const onlyA = [...a].filter((word) => !b.has(word)).map(stemOf)
  const onlyB = [...b].filter((word) => !a.has(word)).map(stemOf)
  return onlyA.some((one) => onlyB.some((other) => areOpposites(one, other)))
}

function areOpposites(a: string, b: string): boolean {
  if (STEMMED_OPPOSITES.get(a)?.has(b)) return true
  const [short, long] = a.length < b.length ? [a, b] : [b, a]
  if (short.length > 3 && PREFIXES.some((prefix) => long === prefix + short)) return true
  return /less$/.test(a) !== /less$/.test(b) && a.slice(0, 4) === b.slice(0, 4)
}

function rolesDiffer(a: Facts, b: Facts): boolean {
  for (const word of new Set([...a.roles.keys(), ...b.roles.keys()])) {
    if (!a.content.includes(word) || !b.content.includes(word)) continue
    const [one, other] = [a.roles.get(word), b.roles.get(word)]
    if (one === other) continue
    if (one !== undefined && other !== undefined) return true
    if (STRONG_ROLES.has((one ?? other) as string)) return true
  }
  return false
}

/**
 * Whether words were exchanged in a question that is otherwise the same: this is how false friends look ("is decaf safe", "is cocoa
 * safe"). Two questions with hardly a word in common are left to the threshold.
 */
function isExchanged(onlyA: readonly string[], onlyB: readonly string[], common: number, groups: Groups): boolean {
  const left = [...onlyB]
  const replaced = onlyA.filter((one) => {
    const at = left.findIndex((other) => areSynonyms(one, other, groups))
    if (at >= 0) left.splice(at, 1)
    return at < 0
  })
  const exchanged = Math.min(replaced.length, left.length)
  return exchanged > 0 && exchanged <= Math.max(1, common)
}

function areSynonyms(a: string, b: string, groups: Groups): boolean {
  const ofB = groups.get(b)
  return ofB !== undefined && [...(groups.get(a) ?? [])].some((group) => ofB.has(group))
}

/** Whether the lists can be trusted with a text: it is short, or has one of the words that hardly an English question lacks. */
function isEnglish({ words }: Facts): boolean {
  let letters = 0
  for (const word of words) {
    if (COMMON.has(word)) return true
    if (/[^\p{ASCII}’]/u.test(word)) return false
    letters++
  }
  return letters <= 3
}

const COMMON: ReadonlySet<string> = new Set(
  `the a an is are of to and how what which who when where why can do does did i you my for with it be should would could will was were`.split(
    ' ',
  ),
)

const STEMMED_OPPOSITES: ReadonlyMap<string, ReadonlySet<string>> = new Map(
  [...OPPOSITES].map(([word, others]) => [stemOf(word), new Set([...others].map(stemOf))]),
)

function groupsOf(own: readonly (readonly string[])[]): Groups {
  const groups = new Map<string, Set<number>>()
  const all = [...SYNONYMS.split('|').map((line) => line.trim().split(/\s+/)), ...own]
  all.forEach((group, i) => {
    for (const word of group) {
      const stem = stemOf(word.toLowerCase())
      groups.set(stem, (groups.get(stem) ?? new Set()).add(i))
    }
  })
  return groups
}
