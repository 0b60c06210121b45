// What a text says that another one has to say, too, before both can have one answer. Pure functions.
import { ASKED, FILLERS, MARKERS, NEGATIONS, NUMBER_WORDS, ROLES, UNIT_OF } from './words.js'

/** The facts of a text. Lists that are compared as multisets are sorted. */
export interface Facts {
  readonly numbers: readonly string[]
  readonly units: readonly string[]
  /** Exactly as they are written. */
  readonly quoted: readonly string[]
  /** Words with digits, underscores, dots, slashes or inner capitals, exactly as they are written. */
  readonly identifiers: readonly string[]
  /** Capitalised words that do not begin a sentence, in lower case. */
  readonly names: readonly string[]
  readonly negations: number
  readonly asked: readonly string[]
  readonly markers: readonly string[]
  /** The stems of the content words, in the order of the text. */
  readonly content: readonly string[]
  /** The role of a content word: the last preposition before it. */
  readonly roles: ReadonlyMap<string, string>
  /** All words, in lower case. */
  readonly words: ReadonlySet<string>
}

const QUOTED = /"([^"]*)"|“([^”]*)”|«([^»]*)»|„([^“”]*)[“”]|`([^`]*)`|(?<=^|[\s(])'([^']+)'(?=$|[\s).,;:!?])/gu
const TOKEN =
  /https?:\/\/\S+|[$€£¥%]|°[CFcf]|[+-]?\p{N}[\p{N},.]*\p{N}|\p{N}|[\p{L}\p{N}][\p{L}\p{N}\p{M}_@#/.:+'’*-]*/gu
const NUMBER = /^([+-]?\p{N}[\p{N},.]*)(\p{L}*)$/u

/** Returns the facts of a text. */
export function factsOf(text: string): Facts {
  const quoted: string[] = []
  const unquoted = text.replace(QUOTED, (whole) => {
    quoted.push(whole.slice(1, -1))
    return ' , '
  })
  const found = new Finder()
  for (const { 0: token, index } of unquoted.matchAll(TOKEN)) {
    found.take(trimmed(token), index === 0 || /(?:^|[.!?:]\s*)$/.test(unquoted.slice(0, index)))
  }
  return found.facts(quoted)
}

/** The stem of an English word: without the endings of plural, tense and genitive. */
export function stemOf(word: string): string {
  const bare = word.replace(/['’]s?$/u, '')
  if (bare.length > 4 && bare.endsWith('ies')) return `${bare.slice(0, -3)}y`
  if (bare.length > 5 && /(?:ches|shes|sses|xes|zes)$/.test(bare)) return bare.slice(0, -2)
  if (bare.length > 3 && /[^su]s$/.test(bare)) return unE(bare.slice(0, -1))
  if (bare.length > 5 && bare.endsWith('ing') && /[aeiouy]/.test(bare.slice(0, -3))) return undouble(bare.slice(0, -3))
  if (bare.length > 4 && bare.endsWith('ed') && /[aeiouy]/.test(bare.slice(0, -2))) return undouble(bare.slice(0, -2))
  return unE(bare)
}

function undouble(word: string): string {
  return /([bdgmnprt])\1$/.test(word) ? word.slice(0, -1) : unE(word)
}

function unE(word: string): string {
  return word.length > 4 && word.endsWith('e') ? word.slice(0, -1) : word
}

function trimmed(token: string): string {
  return token.length > 1 ? token.replace(/[.:'’*/-]+$/u, '') : token
}

class Finder {
  readonly #numbers: string[] = []
  readonly #units: string[] = []
  readonly #identifiers: string[] = []
  readonly #names: string[] = []
  readonly #asked: string[] = []
  readonly #markers: string[] = []
  readonly #content: string[] = []
  readonly #roles = new Map<string, string>()
  readonly #words = new Set<string>()
  #negations = 0
  #role = ''
  /** 'of' or 'and' was just read, so the next content word may change places with the one before. */
  #joins = ''

  take(token: string, isFirst: boolean): void {
    const word = token.toLowerCase().replaceAll('’', "'")
    this.#words.add(word)
    const number = NUMBER.exec(token)
    const unit = UNIT_OF.get(number === null ? word : (number[2] as string).toLowerCase())
    if (number !== null && (number[2] === '' || unit !== undefined)) {
      this.#addNumber((number[1] as string).replaceAll(',', ''))
      if (unit !== undefined) this.#addUnit(unit)
      return
    }
    if (/[\p{N}_@#/]|\p{L}\.\p{L}|::|\p{Ll}\p{Lu}|\+$/u.test(token)) {
      this.#identifiers.push(token)
      this.#addContent(word)
      return
    }
    // 's' and 'm' are words of their own after an apostrophe, and 'a' is an article: single letters are units behind a number only.
    if (unit !== undefined && (word.length > 1 || !/\p{L}/u.test(word)) && !MARKERS.has(word)) {
      this.#addUnit(unit)
      return
    }
    if (!isFirst && /^\p{Lu}/u.test(token) && word !== 'i' && !word.startsWith("i'")) this.#names.push(bareOf(word))
    this.#takeWord(word)
  }

  #takeWord(word: string): void {
    const numeral = NUMBER_WORDS.get(word)
    if (numeral !== undefined) this.#addNumber(numeral)
    else if (NEGATIONS.has(word) || /n't$/.test(word)) this.#negations++
    else if (ASKED.has(word)) this.#asked.push(word)
    else {
      if (MARKERS.has(word)) this.#markers.push(word)
      if (ROLES.has(word)) this.#role = word
      if (word === 'of' || word === 'for') this.#joins = 'of'
      else if (word === 'and' || word === 'or') this.#joins = 'and'
      else if (!FILLERS.has(bareOf(word)) && !MARKERS.has(word) && !ROLES.has(word)) this.#addContent(bareOf(word))
    }
  }

  /** Numbers and units have a place among the words, too: 5 dollars in euros are not 5 euros in dollars. */
  #addNumber(number: string): void {
    this.#numbers.push(number)
    this.#addContent(number)
  }

  #addUnit(unit: string): void {
    this.#units.push(unit)
    this.#addContent(unit)
  }

  #addContent(word: string): void {
    const stem = stemOf(word)
    if (this.#role !== '') this.#roles.set(stem, this.#role)
    this.#role = ''
    const before = this.#content.at(-1)
    // "the price of apples" is "the apples price", and "cats and dogs" are "dogs and cats".
    const swaps = before !== undefined && (this.#joins === 'of' || (this.#joins === 'and' && before > stem))
    this.#content.splice(swaps ? -1 : this.#content.length, 0, stem)
    this.#joins = ''
  }

  facts(quoted: string[]): Facts {
    const sorted = (list: string[]) => list.sort()
    return {
      numbers: sorted(this.#numbers),
      units: sorted(this.#units),
      quoted: sorted(quoted),
      identifiers: sorted(this.#identifiers),
      names: sorted(this.#names),
      negations: this.#negations,
      asked: sorted(this.#asked),
      markers: sorted(this.#markers),
      content: this.#content,
      roles: this.#roles,
      words: this.#words,
    }
  }
}

function bareOf(word: string): string {
  return word.replace(/'(?:s|m|re|ve|ll|d)?$/u, '')
}
