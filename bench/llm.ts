// npm run bench:llm: what sharing and replaying answers of models costs and saves, on a real Redis with a loopback model. About a minute.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { ModelServer } from '../test/support/model-server.js'
import { startRedis } from '../test/support/redis-server.js'
import type { Measured, Task } from './llm/process.js'

const CONSUMERS = 100
const PROCESSES = 4
const CUTS = 10_000

let failures = 0

function line(what: string, seen: string, holds: boolean): void {
  if (!holds) failures++
  console.log(`${holds ? 'ok ' : 'NOT'} ${what.padEnd(72)} ${seen}`)
}

await using redis = await startRedis()
const model = await ModelServer.start()
model.answer = { words: Array.from({ length: 200 }, (_, i) => ` word${i}`), pauseMs: 10 }

const processes = Array.from({ length: PROCESSES }, () =>
  fork(new URL('./llm/process.ts', import.meta.url), [String(redis.port), model.url], {
    execArgv: ['--import', 'tsx'],
  }),
)
await Promise.all(processes.map((process) => once(process, 'message')))

async function run(process: ChildProcess, task: Task): Promise<Measured> {
  process.send(task)
  const [measured] = (await once(process, 'message')) as [Measured]
  return measured
}

const [first, second] = processes as [ChildProcess, ChildProcess]

const shared = await Promise.all(
  processes.map((process) => run(process, { do: 'read', prompt: 'a', times: CONSUMERS })),
)
line(
  `${PROCESSES} processes with ${CONSUMERS} consumers each: requests to the model`,
  String(model.requests.length),
  model.requests.length === 1 && new Set(shared.map(({ text }) => text)).size === 1,
)
const originalMs = Math.max(...shared.map(({ totalMs }) => totalMs))
for (const [tier, process] of [
  ['L1', first],
  ['L2', second],
] as const) {
  const hit = await run(process, { do: 'read', prompt: 'a', times: 1 })
  const firstPart = hit.firstMs / originalMs
  const whole = hit.totalMs / originalMs
  line(
    `hit in ${tier}: first part (original ${originalMs.toFixed(0)} ms, at most 0.01 ×)`,
    `${hit.firstMs.toFixed(1)} ms, ${firstPart.toFixed(4)} ×`,
    firstPart <= 0.01,
  )
  line(
    `hit in ${tier}: whole answer (at most 0.05 ×)`,
    `${hit.totalMs.toFixed(1)} ms, ${whole.toFixed(4)} ×`,
    whole <= 0.05,
  )
}

const cut = await run(first, { do: 'cut', times: CUTS })
line(`${CUTS} answers cut at a random byte: partial recordings kept`, String(cut.count), cut.count === 0)

for (const where of ['the same process', 'another process'] as const) {
  let worstMs = 0
  for (let i = 0; i < 20; i++) {
    const prompt = `left ${where} ${i}`
    const aborted = model.abortedAtMs.length
    if (where === 'another process') await run(first, { do: 'start', prompt })
    await run(second, { do: 'start', prompt })
    if (where === 'another process') await run(first, { do: 'leave' })
    const leftAtMs = performance.now()
    await run(second, { do: 'leave' })
    while (model.abortedAtMs.length === aborted) await new Promise((resolve) => setTimeout(resolve, 1))
    worstMs = Math.max(worstMs, (model.abortedAtMs.at(-1) as number) - leftAtMs)
  }
  line(
    `the last consumer left, in ${where}: until the model's request was aborted`,
    `${worstMs.toFixed(1)} ms at worst of 20`,
    worstMs <= 100,
  )
}

for (const [how, pauseMs, words] of [
  ['one per ms', 1, 500],
  ['each in a packet of its own, as fast as it can', 0, 3_000],
  ['in a burst', undefined, 5_000],
] as const) {
  const text = Array.from({ length: words }, (_, i) => ` word${i}`)
  model.answer = pauseMs === undefined ? { words: text } : { words: text, pauseMs }
  const passed = await run(first, { do: 'passThrough', times: 9 })
  line(
    `a part passed on and recorded, ${how} (at most 1.1 ×)`,
    `${passed.totalMs.toFixed(1)} µs against ${passed.firstMs.toFixed(1)} µs, ${passed.count.toFixed(3)} ×`,
    passed.count <= 1.1,
  )
}

for (const process of processes) process.disconnect()
await model.stop()
console.log(failures === 0 ? 'Everything held.' : `${failures} did not hold.`)
process.exitCode = failures === 0 ? 0 : 1
