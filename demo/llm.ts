// npm run demo:llm: a model that takes 5 seconds for an answer, and two service instances in front of it. Everything that it prints is
// measured. It exits with 0 only if every promise was kept. With REDIS_URL the instances share that Redis; without it they are one.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { type LlmFetch, llmFetch } from 'tiercache/llm'
import { redisTier } from 'tiercache/redis'
import { inMs, Report, timed } from './report.js'

const WORDS = 50
const PAUSE_MS = 100

let requests = 0
const model = createServer(async (_, response) => {
  requests++
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let i = 0; i < WORDS && !response.destroyed; i++) {
    await sleep(PAUSE_MS)
    const choices = [{ index: 0, delta: { content: ` word${i}` }, finish_reason: i === WORDS - 1 ? 'stop' : null }]
    response.write(`data: ${JSON.stringify({ id: 'chatcmpl-demo12345', choices })}\n\n`)
  }
  const usage = { prompt_tokens: 20, completion_tokens: WORDS }
  response.write(`data: ${JSON.stringify({ id: 'chatcmpl-demo12345', choices: [], usage })}\n\n`)
  response.end('data: [DONE]\n\n')
})
await new Promise<void>((resolve) => model.listen(0, '127.0.0.1', resolve))
const url = `http://127.0.0.1:${(model.address() as AddressInfo).port}/chat/completions`

const redisUrl = process.env.REDIS_URL
const clients = redisUrl === undefined ? [] : [new Redis(redisUrl), new Redis(redisUrl)]
const caches =
  clients.length === 0
    ? [createCache({ name: 'demo' })]
    : clients.map((client) => createCache({ name: 'demo', l2: redisTier(client) }))
await Promise.all(caches.map((cache) => cache.ready()))
await caches[0]?.clear()
const instances = caches.map((cache) => llmFetch(cache, { scope: 'everybody', ttl: '1h' }))
const a = instances[0] as LlmFetch
const b = instances.at(-1) as LlmFetch
const report = new Report()

/** Asks for an answer, and notes when its first bytes and its last ones came. */
async function ask(fetch: LlmFetch, prompt: string) {
  const startedAtMs = performance.now()
  const body = JSON.stringify({
    model: 'demo',
    temperature: 0,
    stream: true,
    messages: [{ role: 'user', content: prompt }],
  })
  const response = await fetch(url, { method: 'POST', body })
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  let text = ''
  let firstMs: number | undefined
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    firstMs ??= performance.now() - startedAtMs
    text += Buffer.from(part.value).toString()
  }
  const words = text.match(/word\d+/g)?.length ?? 0
  return {
    firstMs: firstMs ?? 0,
    ms: performance.now() - startedAtMs,
    words,
    origin: response.headers.get('x-tiercache'),
  }
}

type Asked = Awaited<ReturnType<typeof ask>>
const seen = ({ firstMs, ms, origin }: Asked) => `first ${inMs(firstMs)}, whole ${inMs(ms)} (${origin})`

console.log(
  `tiercache and a model that takes ${(WORDS * PAUSE_MS) / 1_000} s; ${redisUrl === undefined ? 'one instance' : 'two instances over Redis'}`,
)

report.heading('A question, asked by one after the other')
const original = await ask(a, 'What is a cache?')
report.line('the model answers', seen(original), original.words === WORDS && requests === 1)
await caches[0]?.drain()
const exact = await ask(a, 'What is a cache?')
report.line('the same question again', seen(exact), exact.words === WORDS && exact.ms <= original.ms / 20)
const other = await ask(b, 'What is a cache?')
report.line(redisUrl === undefined ? 'and again' : 'in the other instance', seen(other), other.ms <= original.ms / 20)
report.line(
  'tokens saved',
  String(a.stats().savedTokens.output),
  a.stats().savedTokens.output >= WORDS && requests === 1,
)

report.heading('A question that 100 callers ask while its answer comes')
requests = 0
const crowd = await timed(() =>
  Promise.all(
    Array.from({ length: 100 }, async (_, i) => {
      await sleep(i * 20)
      return ask(i % 2 === 0 ? a : b, 'What is a stream?')
    }),
  ),
)
const last = crowd.value.at(-1) as Asked
report.line('one request to the model', `${requests}, all served in ${inMs(crowd.ms)}`, requests === 1)
report.line(
  'who came 2 s late has the past at once, then the rest',
  seen(last),
  last.firstMs < 1_000 && last.words === WORDS,
)

for (const cache of caches) await cache.close()
for (const client of clients) client.disconnect()
model.closeAllConnections()
await new Promise((resolve) => model.close(resolve))
console.log(report.failures === 0 ? '\nEverything held.' : `\n${report.failures} did not hold.`)
process.exitCode = report.failures === 0 ? 0 : 1
