// The part of the demo on similar questions: an exact hit, a similar question, and a false friend that the guard refuses.
import type { Cache } from 'tiercache'
import { semanticCache } from 'tiercache/semantic'
import { testEmbedder } from '../test/support/embedder.js'

/** One question of the demo, and how it was answered. */
export interface DemoLine {
  readonly question: string
  readonly from: 'exact' | 'semantic' | 'loaded'
  readonly ms: number
  readonly why: string
}

const ASKED = [
  'How do I fly from Berlin to Paris?',
  'How do I fly from Berlin to Paris?',
  'Please tell me how to fly from Berlin to Paris',
  'How do I fly from Paris to Berlin?',
  'How do I fly from Berlin to Paris with my dog?',
]

/** Asks `model` five questions through a semantic cache in `cache`, prints a line for each with its measured time, and returns the lines. */
export async function showSemantic(
  cache: Cache,
  model: (question: string) => Promise<string>,
  print: (line: string) => void = console.log,
): Promise<readonly DemoLine[]> {
  const { embed } = testEmbedder()
  const answers = semanticCache<string>(cache, { name: 'semantic-demo', embed, mode: 'serve', threshold: 0.6 })
  const lines: DemoLine[] = []
  for (const question of ASKED) {
    const before = answers.report().disagreed
    const startedMs = performance.now()
    const { from, similarity, matched, refused } = await answers.get(question, { load: () => model(question) })
    const ms = performance.now() - startedMs
    await answers.drain()
    const disagreed = Object.entries(answers.report().disagreed).find(([reason, count]) => count !== before[reason])
    const why = whyOf({ similarity, matched, refused, disagreed: disagreed?.[0] })
    lines.push({ question, from, ms, why })
    print(`${from.padEnd(9)}${ms.toFixed(1).padStart(9)} ms  ${question}${why}`)
  }
  return lines
}

function whyOf(answer: {
  readonly similarity: number | undefined
  readonly matched: string | undefined
  readonly refused: string | undefined
  readonly disagreed: string | undefined
}): string {
  const { similarity, matched, refused, disagreed } = answer
  if (matched !== undefined) return `  (similarity ${similarity?.toFixed(3)} to "${matched}")`
  if (refused !== undefined) return `  (not cached: ${refused})`
  return disagreed === undefined ? '' : `  (a false friend: ${disagreed} differ)`
}
