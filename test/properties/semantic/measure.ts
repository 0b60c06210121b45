// How often the guard lets false friends through, and how many paraphrases it costs.
import type { Guard } from 'tiercache/semantic'
import { similarity } from '../../support/embedder.js'
import { falseFriends, type PairKind, paraphrases, type QuestionPair, type Random } from './pairs.js'
import type { WordNet } from './word-net.js'

/** What became of the pairs of one kind. */
export interface Tally {
  pairs: number
  /** Similar enough for the threshold. */
  similar: number
  /** Similar enough, and the guard has nothing against them. */
  hits: number
}

export interface Measured {
  readonly tallies: Readonly<Partial<Record<PairKind, Tally>>>
  readonly falseFriends: Tally
  readonly paraphrases: Tally
  /** A few of the false friends that would have been served. */
  readonly falseHits: readonly QuestionPair[]
}

interface Options {
  readonly words: WordNet
  readonly random: Random
  readonly guard: Guard
  readonly threshold: number
  readonly pairs: number
}

export function measure({ words, random, guard, threshold, pairs }: Options): Measured {
  const tallies: Partial<Record<PairKind, Tally>> = {}
  const totals = { falseFriends: emptyTally(), paraphrases: emptyTally() }
  const falseHits: QuestionPair[] = []
  const count = (pair: QuestionPair, total: Tally) => {
    const isSimilar = similarity(pair.a, pair.b) >= threshold
    const isHit = isSimilar && guard(pair.a, pair.b) === undefined
    tallies[pair.kind] ??= emptyTally()
    for (const tally of [total, tallies[pair.kind] as Tally]) {
      tally.pairs++
      if (isSimilar) tally.similar++
      if (isHit) tally.hits++
    }
    return isHit
  }
  for (let i = 0; i < pairs; i++) {
    const pair = falseFriends(words, random, i)
    if (count(pair, totals.falseFriends) && falseHits.length < 50) falseHits.push(pair)
    count(paraphrases(words, random, i), totals.paraphrases)
  }
  return { tallies, ...totals, falseHits }
}

function emptyTally(): Tally {
  return { pairs: 0, similar: 0, hits: 0 }
}
