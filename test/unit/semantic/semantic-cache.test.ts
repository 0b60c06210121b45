// What a semantic cache promises, in two processes over one server on the fake clock.
import type { CacheError } from 'tiercache'
import { type Answer, bruteForce, type SemanticOptions, semanticCache, type VectorIndex } from 'tiercache/semantic'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { testEmbedder } from '../../support/embedder.js'
import { leavesNothing } from '../../support/leaves-nothing.js'

interface Ask {
  readonly text: string
  readonly tenant: string
}

const { fleet, l1Only } = leavesNothing()
const ORDER = 'How do I cancel an order?'
const SAME_ORDER = 'Please tell me how I cancel an order'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'] }))
afterEach(() => void vi.useRealTimers())

function open(cache: Parameters<typeof semanticCache>[0], options: Partial<SemanticOptions<unknown>> = {}) {
  const { embed, calls } = testEmbedder()
  const answers = semanticCache<unknown>(cache, {
    ...{ name: 'faq', embed, mode: 'serve', threshold: 0.6, onError: (error) => errors.push(error), ...options },
  })
  const errors: unknown[] = []
  const ask = async (question: string, value: unknown = `answer to ${question}`) => {
    const answer = await answers.get(question, { load: () => value })
    await answers.drain()
    return answer
  }
  return { answers, ask, calls, errors }
}

const inProcess = (options?: Partial<SemanticOptions<unknown>>) => open(l1Only().cache, options)
const brief = ({ value, from, matched }: Answer<unknown>) => ({ value, from, matched })

describe('get', () => {
  test('returns the answer of the same question, of a similar one, or loads', async () => {
    const { ask, answers } = inProcess()
    expect(brief(await ask(ORDER, 1))).toEqual({ value: 1, from: 'loaded', matched: undefined })
    expect(brief(await ask(`  ${ORDER} `, 2))).toEqual({ value: 1, from: 'exact', matched: undefined })
    const similar = await ask(SAME_ORDER, 2)
    expect(brief(similar)).toEqual({ value: 1, from: 'semantic', matched: ORDER })
    expect(similar.similarity).toBeGreaterThan(0.6)
    expect(similar.similarity).toBeLessThan(1)
    expect(brief(await ask('What is a fence in a cache?', 3))).toMatchObject({ value: 3, from: 'loaded' })
    expect(answers.report()).toMatchObject({ exact: 1, semantic: 1, loaded: 2, failures: { embed: 0, index: 0 } })
  })

  test('does not serve a false friend, however similar it is', async () => {
    const { ask, answers } = inProcess({ threshold: 0.1 })
    await ask('How do I fly from Berlin to Paris?')
    expect(await ask('How do I fly from Paris to Berlin?')).toMatchObject({ from: 'loaded' })
    expect(answers.report().disagreed).toEqual({ roles: 1 })
  })

  test('serves nothing below the threshold', async () => {
    const { ask } = inProcess({ threshold: 0.99, guard: false })
    await ask(ORDER)
    expect(await ask(SAME_ORDER)).toMatchObject({ from: 'loaded' })
  })

  test('runs one load for concurrent callers of one question, and computes embeddings of one turn in one call', async () => {
    const { answers, calls } = inProcess()
    const load = vi.fn(async () => 1)
    const all = [ORDER, ORDER, 'What is a fence in a cache?'].map((question) => answers.get(question, { load }))
    expect((await Promise.all(all)).map(({ from }) => from)).toEqual(['loaded', 'loaded', 'loaded'])
    expect(load).toHaveBeenCalledTimes(2)
    expect(calls.map((texts) => texts.length)).toEqual([2])
    await answers.drain()
  })

  test('rejects with what load throws, and keeps nothing of it', async () => {
    const { answers, ask } = inProcess()
    const error = new Error('no model')
    await expect(answers.get(ORDER, { load: () => Promise.reject(error) })).rejects.toBe(error)
    expect(await ask(SAME_ORDER)).toMatchObject({ from: 'loaded' })
  })

  test('loads if embedder or index fail or hang, and says so', async () => {
    const failing = () => Promise.reject(new Error('down'))
    const { embed } = testEmbedder()
    const noEmbedder = inProcess({ embed: { ...embed, run: failing } })
    expect(await noEmbedder.ask(ORDER)).toMatchObject({ from: 'loaded' })
    expect(await noEmbedder.ask(ORDER)).toMatchObject({ from: 'exact' })
    const index: VectorIndex = { add: failing, search: () => new Promise(() => {}), remove: failing }
    const noIndex = inProcess({ index, timeout: 5 })
    expect(await noIndex.ask(ORDER)).toMatchObject({ from: 'loaded' })
    const wrong = inProcess({ embed: { ...embed, run: () => [[1, 2]] } })
    expect(await wrong.ask(ORDER)).toMatchObject({ from: 'loaded' })
    expect((wrong.errors[0] as CacheError).message).toContain('256 finite numbers')
    expect([noEmbedder, noIndex].map(({ answers }) => answers.report().failures)).toMatchObject([
      { embed: 1, index: 0 },
      { embed: 0, index: 2 },
    ])
  })

  test('caches neither what depends on who or when, nor absent answers and tool calls', async () => {
    const { ask, answers } = inProcess()
    expect(await ask('What is my balance?')).toMatchObject({ from: 'loaded', refused: 'personal' })
    expect(await ask('What is my balance?')).toMatchObject({ from: 'loaded', refused: 'personal' })
    expect(await ask('What is new today?')).toMatchObject({ from: 'loaded', refused: 'time' })
    for (const value of [null, { tool_calls: [{}] }]) {
      expect(brief(await ask(ORDER, value))).toMatchObject({ value, from: 'loaded' })
    }
    expect(await ask(SAME_ORDER)).toMatchObject({ from: 'loaded' })
    expect(answers.report().refused).toEqual({ personal: 2, time: 1, 'tool call': 1 })
  })

  test('asks verify last, and loads if it says no or throws', async () => {
    const verify = vi.fn((_question: string, _matched: string, _value: unknown): boolean => false)
    const { ask, answers } = inProcess({ verify })
    await ask(ORDER, 1)
    expect(await ask(SAME_ORDER)).toMatchObject({ from: 'loaded' })
    expect(verify.mock.calls).toEqual([[SAME_ORDER, ORDER, 1]])
    verify.mockImplementation(() => {
      throw new Error('no judge')
    })
    expect(await ask('Tell me how to cancel an order')).toMatchObject({ from: 'loaded' })
    expect(answers.report().failures.verify).toBe(1)
  })
})

describe('scopes', () => {
  test('an answer of one scope is found in no other, nor with another embedder', async () => {
    const { cache } = l1Only()
    const index = bruteForce()
    const { embed } = testEmbedder()
    const options = { name: 'faq', index, mode: 'serve', threshold: 0.1, guard: false } as const
    const scope = ({ tenant }: Ask) => [tenant]
    const answers = semanticCache<number, Ask>(cache, { ...options, embed, scope })
    await answers.get({ text: ORDER, tenant: 'a' }, { load: () => 1 })
    await answers.drain()
    expect(await answers.get({ text: SAME_ORDER, tenant: 'a' }, { load: () => 2 })).toMatchObject({ from: 'semantic' })
    expect(await answers.get({ text: ORDER, tenant: 'b' }, { load: () => 2 })).toMatchObject({ from: 'loaded' })
    expect(await answers.get({ text: SAME_ORDER, tenant: 'c' }, { load: () => 2 })).toMatchObject({ from: 'loaded' })
    const other = semanticCache<number, Ask>(cache, { ...options, embed: { ...embed, id: 'another' }, scope })
    expect(await other.get({ text: SAME_ORDER, tenant: 'a' }, { load: () => 2 })).toMatchObject({ from: 'loaded' })
    await Promise.all([answers.drain(), other.drain()])
  })
})

describe('what ends an entry ends its answers to similar questions', () => {
  test.each<[string, (world: Awaited<ReturnType<typeof twoProcesses>>) => Promise<unknown>]>([
    ['ttl', ({ clock }) => clock.advance(3_600_001)],
    ['tags', ({ b }) => b.cache.invalidateTags(['kb:7'])],
    ['clear of the whole cache', ({ b }) => b.cache.clear()],
    ['clear of the answers', ({ there }) => there.answers.clear()],
    ['delete', ({ there }) => there.answers.delete(ORDER)],
  ])('%s, in another process', async (_name, end) => {
    const world = await twoProcesses({ tags: ['kb:7'] })
    const { here, clock } = world
    await here.ask(ORDER, 1)
    expect(await here.ask(SAME_ORDER, 2)).toMatchObject({ from: 'semantic' })
    await end(world)
    await clock.advance(10)
    expect(brief(await here.ask(SAME_ORDER, 2))).toEqual({ value: 2, from: 'loaded', matched: undefined })
  })

  test('an id whose entry is gone leaves the index, but not while the entry may be on its way', async () => {
    const index = bruteForce()
    const remove = vi.spyOn(index, 'remove')
    const { cache } = l1Only()
    const { ask, answers } = open(cache, { index })
    await ask(ORDER)
    await answers.delete(ORDER)
    await ask(SAME_ORDER)
    expect(remove).not.toHaveBeenCalled()
    vi.setSystemTime(Date.now() + 5_000)
    await ask('Tell me how to cancel an order, please')
    expect(remove).toHaveBeenCalledTimes(1)
  })
})

async function twoProcesses(options: Partial<SemanticOptions<unknown>> = {}) {
  const { a, b, clock } = await fleet()
  return { a, b, clock, here: open(a.cache, options), there: open(b.cache, options) }
}

describe('two processes', () => {
  test('an index of one process learns what it reads from the others', async () => {
    const { here, there } = await twoProcesses()
    await here.ask(ORDER, 1)
    expect(await there.ask(ORDER, 2)).toMatchObject({ value: 1, from: 'exact' })
    expect(await there.ask(SAME_ORDER, 2)).toMatchObject({ value: 1, from: 'semantic' })
  })

  test('a rejected pair is served in no process again, in neither direction; others are', async () => {
    const index = bruteForce()
    const { here, there } = await twoProcesses({ index, maxErrorRate: 1 })
    await here.ask(ORDER, 1)
    const answer = await here.ask(SAME_ORDER, 2)
    expect(answer.from).toBe('semantic')
    // An answer can be rejected by another process than the one that got it.
    expect(await there.answers.reject(JSON.parse(JSON.stringify(answer)))).toBe('applied')
    expect(await here.ask(SAME_ORDER, 2)).toMatchObject({ value: 2, from: 'loaded' })
    await here.answers.delete(ORDER)
    expect(await there.ask(ORDER, 3)).toMatchObject({ from: 'loaded' })
    expect(await there.ask('How to cancel an order, please?')).toMatchObject({ from: 'semantic' })
  })

  test('a rejected answer raises the threshold of its entry', async () => {
    const { here } = await twoProcesses({ maxErrorRate: 0.5 })
    await here.ask(ORDER, 1)
    const answer = await here.ask(SAME_ORDER, 2)
    await here.answers.reject(answer)
    const further = await here.ask('Please, can you tell me how I could cancel an order?', 3)
    expect(further.from).toBe('loaded')
  })

  test('only an answer of a similar question can be rejected', async () => {
    const { ask, answers } = inProcess()
    const answer = await ask(ORDER)
    await expect(answers.reject(answer)).rejects.toMatchObject({ code: 'INVALID_OPTION' })
  })
})

describe('observe', () => {
  test('serves nothing similar, and measures what would have been wrong', async () => {
    const { ask, answers } = inProcess({ mode: 'observe', same: (a, b) => a === b })
    await ask(ORDER, 'x')
    expect(await ask(SAME_ORDER, 'x')).toMatchObject({ from: 'loaded', matched: ORDER })
    expect(answers.report().observed).toMatchObject({ hits: 1, falseHits: 0, rate: 0, lower: 0 })
    await ask('Tell me how to cancel an order', 'y')
    const { observed, learnedThreshold } = answers.report()
    expect(observed).toMatchObject({ hits: 2, falseHits: 1, rate: 0.5 })
    expect([observed.lower, observed.upper].map((one) => one.toFixed(3))).toEqual(['0.095', '0.905'])
    expect(learnedThreshold).toBeUndefined()
  })

  test('a match that was observed once is not reported to later readers of the entry', async () => {
    const { ask } = inProcess({ mode: 'observe' })
    await ask(ORDER, 1)
    await ask(SAME_ORDER, 1)
    expect(await ask(SAME_ORDER, 1)).toMatchObject({ from: 'exact', matched: undefined, similarity: undefined })
  })
})

describe('options', () => {
  const { embed } = testEmbedder()
  test.each<[string, object]>([
    ['threshold must be', { threshold: 95 }],
    ['mode must be', { mode: 'on' }],
    ['guard must be', { guard: 'high' }],
    ['embed.dims must be', { embed: { ...embed, dims: 0 } }],
    ['index must be', { index: {} }],
    ['Did you mean threshold?', { treshold: 0.9 }],
  ])('%s', (message, options) => {
    const { cache } = l1Only()
    expect(() => semanticCache(cache, { name: 'faq', embed, ...options } as never)).toThrow(message)
  })
})
