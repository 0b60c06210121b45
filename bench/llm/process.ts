// One process of bench:llm: reads answers through `llmFetch` as it is told.
import { Redis } from 'ioredis'
import { OpenAI } from 'openai'
import { createCache } from 'tiercache'
import { llmFetch } from 'tiercache/llm'
import { redisTier } from 'tiercache/redis'

export type Task =
  | { readonly do: 'read'; readonly prompt: string; readonly times: number }
  | { readonly do: 'leave' }
  | { readonly do: 'start'; readonly prompt: string }
  | { readonly do: 'cut' | 'passThrough'; readonly times: number }

export interface Measured {
  readonly firstMs: number
  readonly totalMs: number
  readonly count: number
  readonly text: string
}

const NOTHING: Measured = { firstMs: 0, totalMs: 0, count: 0, text: '' }
const [port, url = ''] = process.argv.slice(2)
const redis = new Redis(Number(port))
const cache = createCache({ name: 'bench', ttl: '1h', l2: redisTier(redis, { timeout: '2s' }) })
const cached = llmFetch(cache, { scope: 'everybody' })

const bodyOf = (prompt: string, max = {}) => ({
  model: 'm',
  messages: [{ role: 'user' as const, content: prompt }],
  stream: true as const,
  temperature: 0,
  ...max,
})

function clientOf(fetch: typeof globalThis.fetch): OpenAI {
  return new OpenAI({ apiKey: 'k', baseURL: url, fetch, maxRetries: 0 })
}

async function read(prompt: string, fetch: typeof globalThis.fetch = cached): Promise<Measured> {
  const startedAtMs = performance.now()
  let firstMs = 0
  let text = ''
  let count = 0
  for await (const chunk of await clientOf(fetch).chat.completions.create(bodyOf(prompt))) {
    if (count++ === 0) firstMs = performance.now() - startedAtMs
    text += chunk.choices[0]?.delta.content ?? ''
  }
  return { firstMs, totalMs: performance.now() - startedAtMs, count, text }
}

let leaving: AbortController | undefined

/** Opens an answer, reads its first part, and goes on reading until `leave`. */
async function start(prompt: string): Promise<void> {
  leaving = new AbortController()
  const { signal } = leaving
  const parts = (await clientOf(cached).chat.completions.create(bodyOf(prompt), { signal }))[Symbol.asyncIterator]()
  await parts.next()
  const drain = async (): Promise<void> => {
    while ((await parts.next()).done !== true);
  }
  drain().catch(() => undefined)
}

/** Cuts each answer at a random byte, cleanly or not, and asks again: how many were answered from what was cut. */
async function cut(times: number): Promise<number> {
  const events = Array.from({ length: 20 }, (_, i) => {
    const choices = [{ index: 0, delta: { content: ` word${i}` }, finish_reason: i === 19 ? 'stop' : null }]
    return `data: ${JSON.stringify({ id: 'c', choices })}\n\n`
  })
  const whole = Buffer.from(`${events.join('')}data: [DONE]\n\n`)
  let asked = 0
  const half = new Map<string, { cutAt: number; isClean: boolean }>()
  const model = llmFetch(cache, {
    scope: 'everybody',
    fetch: async (_, init) => {
      asked++
      const how = half.get(String(init?.body))
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          controller.enqueue(whole.subarray(0, how?.cutAt ?? whole.length))
          if (how === undefined || how.isClean) controller.close()
          else controller.error(new Error('cut'))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    },
  })
  let kept = 0
  const one = async (i: number): Promise<void> => {
    const cutAt = Math.floor(Math.random() * (whole.length - 1))
    const isClean = Math.random() < 0.5
    const body = JSON.stringify(bodyOf(`cut ${i}`))
    const init = { method: 'POST', body }
    half.set(body, { cutAt, isClean })
    await model('http://model/chat', init)
      .then((response) => response.text())
      .catch(() => undefined)
    half.delete(body)
    await cache.drain()
    const before = asked
    const text = await (await model('http://model/chat', init)).text()
    if (text !== whole.toString() || asked === before) kept++
  }
  for (let i = 0; i < times; i++) await one(i)
  return kept
}

/** The median time of a part, with and without a recording, in turns. */
async function passThrough(rounds: number): Promise<Measured> {
  const plain: number[] = []
  const recorded: number[] = []
  for (let i = -3; i < rounds; i++) {
    for (const [times, fetch] of [
      [plain, globalThis.fetch],
      [recorded, cached],
    ] as const) {
      const { totalMs, count } = await read(`pass ${i} ${fetch === cached}`, fetch)
      if (i >= 0) times.push((totalMs * 1_000) / count)
    }
    await cache.drain()
  }
  const median = (times: number[]): number => times.sort((a, b) => a - b)[Math.floor(times.length / 2)] as number
  return { ...NOTHING, firstMs: median(plain), totalMs: median(recorded), count: median(recorded) / median(plain) }
}

async function run(task: Task): Promise<Measured> {
  switch (task.do) {
    case 'read': {
      const all = await Promise.all(Array.from({ length: task.times }, () => read(task.prompt)))
      await cache.drain()
      const slowest = all.reduce((a, b) => (a.totalMs > b.totalMs ? a : b))
      return { ...slowest, text: [...new Set(all.map(({ text }) => text))].join('\n') }
    }
    case 'start':
      await start(task.prompt)
      return NOTHING
    case 'leave':
      leaving?.abort()
      return NOTHING
    case 'cut':
      return { ...NOTHING, count: await cut(task.times) }
    case 'passThrough':
      return passThrough(task.times)
    default:
      return task satisfies never
  }
}

await cache.ready()
process.on('message', (task: Task) => {
  void run(task).then((measured) => process.send?.(measured))
})
process.on('disconnect', () => process.exit())
process.send?.('ready')
