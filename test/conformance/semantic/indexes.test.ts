// What an index of vectors promises, for each: in this process, and in vector sets of a real Redis 8 with RESP2 and RESP3.
import { Redis } from 'ioredis'
import { bruteForce, redisVectors, semanticCache, type VectorIndex, vectorIndexCases } from 'tiercache/semantic'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCache } from '../../../src/index.js'
import { embeddingOf, testEmbedder } from '../../support/embedder.js'
import { type Redis8, startRedis8 } from '../../support/redis-8.js'

let server: Redis8
const clients: Redis[] = []
let runs = 0

beforeAll(async () => {
  server = await startRedis8()
  clients.push(new Redis(server.port, { protocol: 2 }), new Redis(server.port, { protocol: 3 }))
}, 240_000)

afterAll(async () => {
  for (const client of clients) client.disconnect()
  await server?.stop()
})

const client = (i: number) => clients[i] as Redis
const opened = new Map<string, () => VectorIndex>([
  ['bruteForce', () => bruteForce()],
  ['redisVectors with RESP2', () => redisVectors(client(0))],
  ['redisVectors with RESP3', () => redisVectors(client(1))],
])

for (const [name, open] of opened) {
  describe(name, () => {
    for (const each of vectorIndexCases()) test(each.name, () => each.run(open(), `run-${runs++}`))
  })
}

describe('bounds', () => {
  const unit = (text: string) => {
    const vector = embeddingOf(text)
    const length = Math.hypot(...vector)
    return vector.map((one) => one / length)
  }
  const bounded = new Map<string, () => VectorIndex>([
    ['bruteForce', () => bruteForce({ maxPerScope: 10 })],
    ['redisVectors', () => redisVectors(client(0), { maxPerScope: 10 })],
  ])

  test.each([...bounded])('%s keeps at most maxPerScope, the newest among them', async (_name, open) => {
    const index = open()
    const scope = `run-${runs++}`
    for (let i = 0; i < 30; i++) {
      await index.add(scope, `id${i}`, unit(`text number ${i}`))
      const found = await index.search(scope, unit(`text number ${i}`), 100)
      expect(found.length).toBeLessThanOrEqual(10)
      expect(found.map(({ id }) => id)).toContain(`id${i}`)
    }
  })

  test('bruteForce forgets whole scopes, the least recently used first', async () => {
    const index = bruteForce({ maxVectors: 4 })
    for (const scope of ['a', 'b']) for (const id of ['x', 'y']) await index.add(scope, id, unit(id))
    await index.search('a', unit('x'), 1)
    await index.add('c', 'x', unit('x'))
    const sizes = await Promise.all(
      ['a', 'b', 'c'].map(async (scope) => (await index.search(scope, unit('x'), 9)).length),
    )
    expect(sizes).toEqual([2, 0, 1])
  })

  test('redisVectors has no key that lives for ever', async () => {
    await redisVectors(client(0), { prefix: 'life', keepFor: '1m' }).add('s', 'a', unit('a'))
    expect(await client(0).pttl('life:s')).toBeGreaterThan(0)
    expect(await client(0).pttl('life:s')).toBeLessThanOrEqual(60_000)
  })
})

test('caches that share an index in Redis find what another one loaded, and its exact similarity', async () => {
  const { memoryTier, MemoryServer } = await import('tiercache/testing')
  const shared = new MemoryServer()
  const [a, b] = ['a', 'b'].map(() => {
    const cache = createCache({ name: 'shared', logger: false, l2: memoryTier(shared) })
    const options = { ...testEmbedder(), name: 'faq', mode: 'serve', threshold: 0.6 } as const
    const { calls: _calls, ...rest } = options
    return { cache, answers: semanticCache<number>(cache, { ...rest, index: redisVectors(client(0)) }) }
  })
  await a?.answers.get('How do I cancel an order?', { load: () => 1 })
  await a?.answers.drain()
  await a?.cache.drain()
  const got = await b?.answers.get('Please tell me how I cancel an order', { load: () => 2 })
  expect(got).toMatchObject({ value: 1, from: 'semantic', matched: 'How do I cancel an order?' })
  const exact = semanticCache<number>(createCache({ name: 'alone', logger: false }), {
    ...{ embed: testEmbedder().embed, name: 'faq', mode: 'serve', threshold: 0.6 },
  })
  await exact.get('How do I cancel an order?', { load: () => 1 })
  await exact.drain()
  const alone = await exact.get('Please tell me how I cancel an order', { load: () => 2 })
  expect(got?.similarity).toBe(alone.similarity)
  await Promise.all([a?.cache.close(), b?.cache.close()])
})
