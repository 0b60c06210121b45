// Answers of models through the clients that people use: OpenAI, Anthropic, the AI SDK. Two caches share a Redis, as two processes would.

import { createOpenAI } from '@ai-sdk/openai'
import { Anthropic } from '@anthropic-ai/sdk'
import { generateText, streamText, wrapLanguageModel } from 'ai'
import { OpenAI } from 'openai'
import type { Cache } from 'tiercache'
import { type LlmCacheOptions, type LlmFetch, type LlmRequest, llmCache, llmFetch, streamCache } from 'tiercache/llm'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { ModelServer } from '../support/model-server.js'
import { waitFor } from '../support/wait.js'
import { Fleet } from './fleet-of-caches.js'

let fleet: Fleet
let model: ModelServer
let prompts = 0

beforeAll(async () => {
  fleet = await Fleet.start('one server')
  model = await ModelServer.start()
})
afterEach(async () => {
  model.misbehaviour = {}
  model.answer = { words: ['Hello', ' wörld', '!'] }
  model.requests.length = 0
  await fleet.closeAll()
})
afterAll(async () => {
  await model.stop()
  await fleet.stop()
})

const forEverybody = { scope: 'everybody' } as const

/** A prompt that no other test uses. */
const prompt = () => `prompt ${++prompts}`

function fetchOf(cache: Cache, options: Partial<LlmCacheOptions<LlmRequest>> = {}): LlmFetch {
  return llmFetch(cache, { ...forEverybody, ids: 'recorded', ...options })
}

function openai(fetch: LlmFetch): OpenAI {
  return new OpenAI({ apiKey: 'k', baseURL: model.url, fetch, maxRetries: 0 })
}

function anthropic(fetch: LlmFetch): Anthropic {
  return new Anthropic({ apiKey: 'k', baseURL: model.url, fetch, maxRetries: 0 })
}

/** A streamed chat of either client: its parts, without what a replay changes. */
const chats = {
  OpenAI: async (fetch: LlmFetch, content: string, more: object = {}): Promise<unknown[]> => {
    const body = { model: 'm', messages: [{ role: 'user' as const, content }], stream: true as const, temperature: 0 }
    return all(await openai(fetch).chat.completions.create({ ...body, ...more }))
  },
  Anthropic: async (fetch: LlmFetch, content: string, more: object = {}): Promise<unknown[]> => {
    const messages = [{ role: 'user' as const, content }]
    const body = { model: 'm', max_tokens: 9, messages, stream: true as const, temperature: 0 }
    return all(await anthropic(fetch).messages.create({ ...body, ...more }))
  },
}
const NAMES = ['OpenAI', 'Anthropic'] as const

async function all<P>(parts: AsyncIterable<P>): Promise<P[]> {
  const list: P[] = []
  for await (const part of parts) list.push(part)
  return list
}

describe.each(NAMES)('the client of %s', (name) => {
  const chat = chats[name]

  test('gets the same parts again, in another process too, with one request to the model', async () => {
    const [a, b] = await fleet.openTwo()
    const content = prompt()
    const original = await chat(fetchOf(a), content)
    await a.drain()
    expect(original.length).toBeGreaterThan(3)
    const replay = await chat(fetchOf(b), content)
    expect(withoutUsage(replay)).toEqual(withoutUsage(original))
    expect(model.requests.length).toBe(1)
  })

  test.each(['a length limit', 'a content filter', 'an error after 200'])(
    'an answer that ended by %s is not stored',
    async (end) => {
      const cache = await fleet.open()
      const content = prompt()
      const reasons = { OpenAI: ['length', 'content_filter'], Anthropic: ['max_tokens', 'refusal'] }[name]
      if (end === 'an error after 200') model.misbehaviour = { errorAfter200: true }
      else model.misbehaviour = { finish: reasons[end === 'a length limit' ? 0 : 1] as string }
      const attempt = chat(fetchOf(cache), content)
      if (end === 'an error after 200') await expect(attempt).rejects.toThrow(/overloaded/i)
      else await attempt
      model.misbehaviour = {}
      await cache.drain()
      await chat(fetchOf(cache), content)
      expect(model.requests.length).toBe(2)
    },
  )

  test('an answer that is cut at any byte is not stored, whether its connection drops or it seems to end', async () => {
    const cache = await fleet.open({}, {})
    const fetch = fetchOf(cache)
    const whole = (await chat(fetch, prompt())).length
    let cuts = 0
    for (let cutAt = 0; cutAt < 1_700; cutAt += 29) {
      const content = prompt()
      model.misbehaviour = { cutAt, cut: cutAt % 2 === 0 ? 'cleanly' : 'connection' }
      const parts = await chat(fetch, content).catch(() => [])
      const before = model.requests.length
      model.misbehaviour = {}
      await cache.drain()
      expect((await chat(fetch, content)).length).toBe(whole)
      // Only a cut behind the last byte leaves an answer that may be replayed.
      if (model.requests.length > before) cuts++
      else expect(parts.length).toBe(whole)
    }
    expect(cuts).toBeGreaterThan(20)
  })

  test('a refusal such as 429 reaches the caller with its status, and is not stored', async () => {
    const cache = await fleet.open()
    const content = prompt()
    model.misbehaviour = { status: 429 }
    const both = await Promise.allSettled([chat(fetchOf(cache), content), chat(fetchOf(cache), content)])
    for (const one of both) expect(one).toMatchObject({ status: 'rejected', reason: { status: 429 } })
    expect(model.requests.length).toBe(1)
    model.misbehaviour = {}
    expect((await chat(fetchOf(cache), content)).length).toBeGreaterThan(3)
  })

  test('a model that stalls in the middle fails its readers after partTimeout, and is not asked for nothing', async () => {
    const cache = await fleet.open()
    const content = prompt()
    model.misbehaviour = { stalls: true }
    const aborted = model.abortedAtMs.length
    await expect(chat(fetchOf(cache, { partTimeout: '100ms' }), content)).rejects.toThrow(/100 ms/)
    await waitFor('the request to be aborted', () => model.abortedAtMs.length === aborted + 1)
    model.misbehaviour = {}
    expect((await chat(fetchOf(cache), content)).length).toBeGreaterThan(3)
  })

  test('a request is cached only with temperature 0 or a seed, and only for its scope', async () => {
    const cache = await fleet.open()
    const content = prompt()
    for (let i = 0; i < 2; i++) await chat(fetchOf(cache), content, { temperature: 0.5 })
    expect(model.requests.length).toBe(2)
    for (const user of ['ada', 'bob', 'ada']) await chat(fetchOf(cache, { scope: () => user }), content)
    expect(model.requests.length).toBe(4)
    await cache.drain()
    for (let i = 0; i < 2; i++) await chat(fetchOf(cache, { scope: () => undefined }), content)
    expect(model.requests.length).toBe(6)
  })

  test('an answer that is not streamed is replayed too', async () => {
    const cache = await fleet.open()
    const content = prompt()
    const ask = async (fetch: LlmFetch): Promise<unknown> => {
      const messages = [{ role: 'user' as const, content }]
      if (name === 'OpenAI') return openai(fetch).chat.completions.create({ model: 'm', messages, temperature: 0 })
      // Its newest types lack the temperature that its API takes.
      return anthropic(fetch).messages.create({ model: 'm', max_tokens: 9, messages, ...{ temperature: 0 } })
    }
    const fetch = fetchOf(cache)
    const original = await ask(fetch)
    await cache.drain()
    expect(withoutUsage([await ask(fetch)])).toEqual(withoutUsage([original]))
    expect(model.requests.length).toBe(1)
    expect(fetch.stats()).toMatchObject({ asked: 1, replayed: 1, savedTokens: { input: 11, output: 7 } })
  })
})

test('a replay counts no tokens, says what it saved, and has ids of its own that fit together', async () => {
  const cache = await fleet.open()
  model.answer = { words: ['a'], tool: true }
  model.misbehaviour = { finish: 'tool_calls' }
  const fetch = fetchOf(cache, { ids: 'fresh' })
  const content = prompt()
  const more = { stream_options: { include_usage: true } }
  await chats.OpenAI(fetch, content, more)
  await cache.drain()
  const first = (await chats.OpenAI(fetch, content, more)) as OpenAI.ChatCompletionChunk[]
  const second = (await chats.OpenAI(fetch, content, more)) as OpenAI.ChatCompletionChunk[]
  const ids = (chunks: OpenAI.ChatCompletionChunk[]) => new Set(chunks.map(({ id }) => id))
  expect(ids(first).size).toBe(1)
  expect(ids(first)).not.toEqual(ids(second))
  const call = first.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])[0]
  expect(call?.id).toMatch(/^call_[A-Za-z0-9]{12}$/)
  expect(call?.id).not.toBe('call_ABCDEFGHIJKL')
  expect(call?.function?.arguments).toBe('{"id":1}')
  expect(first.at(-1)).toMatchObject({ usage: { prompt_tokens: 0 }, savedUsage: { prompt_tokens: 11 } })
  expect(fetch.stats()).toMatchObject({ asked: 1, replayed: 2, savedTokens: { input: 22, output: 14 } })
})

test('the first caller may leave: the answer goes on for those who joined, and is aborted when the last one leaves', async () => {
  const cache = await fleet.open()
  model.answer = { words: Array.from({ length: 30 }, (_, i) => `${i} `), pauseMs: 10 }
  const content = prompt()
  const body = { model: 'm', messages: [{ role: 'user' as const, content }], stream: true as const, temperature: 0 }
  const client = openai(fetchOf(cache))
  const leaves = new AbortController()
  const first = await client.chat.completions.create(body, { signal: leaves.signal })
  await first[Symbol.asyncIterator]().next()
  const joined = all(await client.chat.completions.create(body))
  leaves.abort()
  expect((await joined).length).toBe(32)
  const aborted = model.abortedAtMs.length
  const other = await client.chat.completions.create({ ...body, seed: 1 })
  for await (const _ of other) break
  await waitFor('the request to be aborted', () => model.abortedAtMs.length === aborted + 1)
  expect(model.requests.length).toBe(2)
})

describe('the middleware of the AI SDK', () => {
  function wrapped(cache: Cache, options: Partial<Parameters<typeof llmCache>[1]> = {}) {
    const base = createOpenAI({ apiKey: 'k', baseURL: model.url }).chat('m')
    const middleware = llmCache(cache, { ...forEverybody, ...options })
    return { middleware, language: wrapLanguageModel({ model: base, middleware }) }
  }

  test('streams are replayed part by part, with usage 0 and what was saved beside it', async () => {
    const [a, b] = await fleet.openTwo()
    const content = prompt()
    const read = async (cache: Cache) => {
      const result = streamText({ model: wrapped(cache).language, prompt: content, temperature: 0 })
      const text = await all(result.textStream)
      return { text, usage: await result.usage, about: await result.providerMetadata }
    }
    const original = await read(a)
    await a.drain()
    const replay = await read(b)
    expect(replay.text).toEqual(original.text)
    expect(original.usage).toMatchObject({ inputTokens: 11, outputTokens: 7 })
    expect(replay.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 })
    expect(replay.about).toMatchObject({ tiercache: { savedUsage: { inputTokens: { total: 11 } } } })
    expect(model.requests.length).toBe(1)
  })

  test('whole answers are replayed, and those that were cut short are not', async () => {
    const cache = await fleet.open()
    const { language, middleware } = wrapped(cache)
    const ask = (content: string) => generateText({ model: language, prompt: content, temperature: 0, maxRetries: 0 })
    const content = prompt()
    const original = await ask(content)
    await cache.drain()
    const replay = await ask(content)
    expect(replay.text).toBe(original.text)
    expect(replay.usage).toMatchObject({ inputTokens: 0, outputTokens: 0 })
    expect(replay.response.id).not.toBe(original.response.id)
    expect(middleware.stats()).toMatchObject({ asked: 1, replayed: 1, savedTokens: { input: 11, output: 7 } })
    model.misbehaviour = { finish: 'length' }
    const other = prompt()
    await ask(other)
    await ask(other)
    expect(model.requests.length).toBe(3)
  })

  test('a call without temperature 0 or a seed is passed on', async () => {
    const { language, middleware } = wrapped(await fleet.open())
    for (let i = 0; i < 2; i++) await generateText({ model: language, prompt: 'same' })
    expect(model.requests.length).toBe(2)
    expect(middleware.stats().passed).toBe(2)
  })
})

describe('streamCache', () => {
  test('takes a Response, and stores its bytes only if they are whole', async () => {
    const cache = await fleet.open()
    const chat = streamCache(cache, 'chat', { ttl: '1h' })
    const ask = ({ signal }: { signal: AbortSignal }) =>
      fetch(`${model.url}/chat`, { method: 'POST', body: JSON.stringify({ stream: true }), signal })
    const text = async (key: unknown) => Buffer.concat(await all(chat.get(key, ask))).toString()
    model.misbehaviour = { cutAt: 500, cut: 'cleanly' }
    const key = { model: 'm', question: prompt() }
    expect((await text(key)).length).toBe(500)
    model.misbehaviour = {}
    const whole = await text(key)
    await cache.drain()
    expect(whole).toContain('[DONE]')
    expect(await text({ question: key.question, model: 'm' })).toBe(whole)
    expect(model.requests.length).toBe(2)
    await chat.delete(key)
    await text(key)
    expect(model.requests.length).toBe(3)
  })

  test('takes chunks of a client, and replays them with the pauses of the original if asked to', async () => {
    const cache = await fleet.open()
    model.answer = { words: ['a', 'b', 'c'], pauseMs: 30 }
    const client = new OpenAI({ apiKey: 'k', baseURL: model.url })
    const messages = [{ role: 'user' as const, content: prompt() }]
    const ask = () => client.chat.completions.create({ model: 'm', messages, stream: true })
    const original = await all(streamCache(cache, 'chat').get(messages, ask))
    await cache.drain()
    const startedAtMs = performance.now()
    const replay = await all(streamCache(cache, 'chat', { pace: 'recorded' }).get(messages, ask))
    expect(replay).toEqual(original)
    expect(performance.now() - startedAtMs).toBeGreaterThan(60)
    expect(model.requests.length).toBe(1)
  })
})

/** Parts without what counts tokens. */
function withoutUsage(parts: unknown): unknown {
  return JSON.parse(
    JSON.stringify(parts, (name, value: unknown) => (name === 'usage' || name === 'savedUsage' ? undefined : value)),
  )
}
