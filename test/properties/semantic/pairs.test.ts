// False friends and paraphrases made of WordNet: what the guard refuses and what it costs. `npm run semantic:pairs` plays ten times as many.
import { bruteForce, guardOf, semanticCache } from 'tiercache/semantic'
import { expect, test } from 'vitest'
import { createCache } from '../../../src/index.js'
import { testEmbedder } from '../../support/embedder.js'
import { mulberry32 } from '../../support/random.js'
import { SEED } from '../../support/seed.js'
import { measure } from './measure.js'
import { readWordNet } from './word-net.js'

const words = readWordNet()

test('at most one in a thousand false friends passes the guard, and at least 0.6 of the paraphrases', () => {
  const guard = guardOf('strict')
  const { falseFriends, paraphrases, falseHits, tallies } = measure({
    ...{ words, random: mulberry32(SEED), guard, threshold: 0.5, pairs: 4_000 },
  })
  expect(Object.values(tallies).every(({ pairs }) => pairs >= 400)).toBe(true)
  expect(falseFriends.similar, 'the threshold alone refuses hardly any').toBeGreaterThan(3_900)
  expect(falseFriends.hits, JSON.stringify(falseHits)).toBeLessThanOrEqual(4)
  expect(paraphrases.hits / paraphrases.similar).toBeGreaterThanOrEqual(0.6)
})

test('no answer of another scope is served in 100,000 searches', async () => {
  const index = bruteForce({ maxPerScope: 10 })
  const cache = createCache({ name: 'scopes', logger: false })
  const { embed } = testEmbedder()
  const answers = semanticCache<string, { text: string; scope: number }>(cache, {
    ...{ name: 'faq', embed, index, mode: 'serve', threshold: 0.1, guard: false },
    scope: ({ scope }) => [scope],
  })
  const questions = words.nouns.slice(0, 10).map((noun) => `What is a ${noun}?`)
  const random = mulberry32(SEED)
  let served = 0
  for (let round = 0; round < 100; round++) {
    const asked = Array.from({ length: 1_000 }, (_, i) => {
      const scope = Math.floor(random() * 200)
      return { scope, text: `${questions[i % 10]}${' Please.'.repeat(Math.floor(random() * 3))}` }
    })
    const got = await Promise.all(asked.map((one) => answers.get(one, { load: () => `${one.scope}` })))
    got.forEach(({ value, from }, i) => {
      if (value !== `${asked[i]?.scope}`) throw new Error(`scope ${asked[i]?.scope} got an answer of ${value}`)
      if (from === 'semantic') served++
    })
    await answers.drain()
  }
  expect(served, 'similar questions are served within their scope').toBeGreaterThan(500)
  await cache.close()
})
