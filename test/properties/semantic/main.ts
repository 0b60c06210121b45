// `npm run semantic:pairs`: false friends and paraphrases of WordNet against the guard. SEMANTIC_PAIRS says how many of each, SEMANTIC_SEED which.
import { guardOf } from 'tiercache/semantic'
import { mulberry32 } from '../../support/random.js'
import { measure } from './measure.js'
import { readWordNet } from './word-net.js'

const THRESHOLD = 0.5
const pairs = Number(process.env.SEMANTIC_PAIRS ?? 20_000)
const seed = Number(process.env.SEMANTIC_SEED ?? 1)
const words = readWordNet()
let isGood = true
for (const level of ['strict', 'facts'] as const) {
  const result = measure({ words, random: mulberry32(seed), guard: guardOf(level), threshold: THRESHOLD, pairs })
  console.log(`guard '${level}', threshold ${THRESHOLD}, seed ${seed}`)
  console.log(`${'pairs of'.padEnd(14)}${['pairs', 'similar', 'hits'].map((name) => name.padStart(9)).join('')}`)
  for (const [kind, tally] of Object.entries(result.tallies)) {
    console.log(
      `${kind.padEnd(14)}${[tally.pairs, tally.similar, tally.hits].map((n) => String(n).padStart(9)).join('')}`,
    )
  }
  const rate = result.falseFriends.hits / result.falseFriends.pairs
  const recall = result.paraphrases.hits / result.paraphrases.similar
  console.log(
    `false hits ${(100 * rate).toFixed(3)} %, unguarded ${((100 * result.falseFriends.similar) / pairs).toFixed(1)} %`,
  )
  console.log(`recall of paraphrases ${recall.toFixed(3)} × that of the threshold alone\n`)
  if (level === 'strict') {
    for (const { kind, a, b } of result.falseHits.slice(0, 20)) console.log(`  ${kind}: ${a} / ${b}`)
    isGood = rate <= 0.001 && recall >= 0.6
  }
}
process.exitCode = isGood ? 0 : 1
