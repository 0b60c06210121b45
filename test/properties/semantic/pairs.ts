// Pairs of questions: false friends, which look alike and must not share an answer, and paraphrases, which may.
import type { WordNet, WordPair } from './word-net.js'

export type PairKind = 'opposite' | 'number' | 'negation' | 'roles' | 'paraphrase' | 'synonym'

export interface QuestionPair {
  readonly kind: PairKind
  readonly a: string
  readonly b: string
}

/** A number from 0 to 1. */
export type Random = () => number

const pick = <T>(list: readonly T[], random: Random): T => list[Math.floor(random() * list.length)] as T

const FRAMES: Readonly<Record<WordPair['kind'], readonly string[]>> = {
  adj: ['Is a {w} {n} good for the {m}?', 'What makes a {n} {w}?', 'How do I keep a {n} {w} near a {m}?'],
  noun: ['What is the {w} of a {n}?', 'How do I handle the {w} of the {n} in a {m}?', 'Which {n} causes {w}?'],
  verb: ['How do I {w} a {n}?', 'What happens if people {w} the {n} near a {m}?', 'Which {n} can {w} a {m}?'],
  adv: ['Why does the {n} move {w}?', 'Can a {n} work {w} for a {m}?'],
}

const NUMBERS = [
  'How many {n} units fit into {x} boxes of {m}?',
  'What is {x} % of a {n}?',
  'What happens after {x} days of {n} near a {m}?',
  'Which {n} has more than {x} parts?',
]

const NEGATIONS: readonly (readonly [string, string])[] = [
  ['Which {n} is {j}?', 'Which {n} is not {j}?'],
  ['Why does the {n} need a {m}?', "Why doesn't the {n} need a {m}?"],
  ['Can I use a {n} with a {m}?', 'Can I use a {n} without a {m}?'],
  ['What {n} contains {m}?', 'What {n} contains no {m}?'],
  ['When can a {j} {n} be used for a {m}?', 'When can a {j} {n} never be used for a {m}?'],
]

const ROLES = [
  'Can a {n} replace a {m}?',
  'How do I convert a {n} to a {m}?',
  'How far is it from the {n} to the {m}?',
  'Is a {n} larger than a {m}?',
  'Was the {n} damaged by the {m}?',
  'Does the {n} come before the {m}?',
]

const PARAPHRASES: readonly (readonly [string, string])[] = [
  ['How do I clean a {j} {n}?', 'Please tell me how to clean a {j} {n}'],
  ['What is the {n} of a {m}?', 'what is the {m} {n}'],
  ['What is a {j} {n}?', "What's a {j} {n}?"],
  ['How can I repair a {n} in a {m}?', 'How do you repair the {n} in the {m}?'],
  ['Which is better, a {n} or a {m}?', 'Which is better, a {m} or a {n}?'],
  ['What does a {j} {n} look like?', 'Can you explain what a {j} {n} looks like?'],
  ['Explain the {n} of the {m}', 'Could you please explain the {n} of the {m}?'],
  ['How do I store a {n}?', 'I want to know how I could store a {n}'],
]

/** A pair of false friends: the four kinds in turn. */
export function falseFriends(words: WordNet, random: Random, i: number): QuestionPair {
  const fill = filler(words, random)
  switch (i % 4) {
    case 0: {
      const { kind, a, b } = pick(words.opposites, random)
      const frame = fill(pick(FRAMES[kind], random))
      return { kind: 'opposite', a: frame.replace('{w}', a), b: frame.replace('{w}', b) }
    }
    case 1: {
      const frame = fill(pick(NUMBERS, random))
      const x = 2 + Math.floor(random() * 500)
      const y = random() < 0.5 ? x + 1 : x * 10
      return { kind: 'number', a: frame.replace('{x}', String(x)), b: frame.replace('{x}', String(y)) }
    }
    case 2: {
      const [a, b] = pick(NEGATIONS, random)
      const both = fill(`${a}\n${b}`).split('\n')
      return { kind: 'negation', a: both[0] as string, b: both[1] as string }
    }
    default: {
      const frame = pick(ROLES, random)
      const [n, m] = twoOf(words.nouns, random)
      const put = (x: string, y: string) => frame.replaceAll('{n}', x).replaceAll('{m}', y)
      return { kind: 'roles', a: put(n, m), b: put(m, n) }
    }
  }
}

/** A pair with one meaning: nine in the same words, one with a synonym of WordNet. */
export function paraphrases(words: WordNet, random: Random, i: number): QuestionPair {
  const fill = filler(words, random)
  if (i % 10 === 0) {
    const { kind, a, b } = pick(words.synonyms, random)
    const frame = fill(pick(FRAMES[kind], random))
    return { kind: 'synonym', a: frame.replace('{w}', a), b: frame.replace('{w}', b) }
  }
  const [a, b] = pick(PARAPHRASES, random)
  const both = fill(`${a}\n${b}`).split('\n')
  return { kind: 'paraphrase', a: both[0] as string, b: both[1] as string }
}

function filler({ nouns, adjectives }: WordNet, random: Random): (frame: string) => string {
  const [n, m] = twoOf(nouns, random)
  const j = pick(adjectives, random)
  return (frame) => frame.replaceAll('{n}', n).replaceAll('{m}', m).replaceAll('{j}', j)
}

function twoOf(list: readonly string[], random: Random): [string, string] {
  const n = pick(list, random)
  for (;;) {
    const m = pick(list, random)
    if (m !== n) return [n, m]
  }
}
