// The demo keeps its promises and ends by itself, in memory and as two processes over a real Redis.
import { expect, test } from 'vitest'
import { startChild } from '../support/child.js'
import { startRedis } from '../support/redis-server.js'

const demo = new URL('../../demo/main.ts', import.meta.url)

test('the demo does what it prints, in memory', async () => {
  const run = startChild(demo)
  expect(await run.exit, run.stdout).toEqual({ code: 0, signal: null })
  expect(run.stdout).toContain('Everything held.')
  expect(run.stderr).toBe('')
})

test('the demo does what it prints, in two processes over Redis', async () => {
  await using server = await startRedis()
  const run = startChild(demo, { env: { REDIS_URL: server.url } })
  expect(await run.exit, run.stdout).toEqual({ code: 0, signal: null })
  expect(run.stdout).toContain('Everything held.')
  expect(run.stderr).toBe('')
})

test('the demo of answers of models does what it prints, in two instances over Redis', async () => {
  await using server = await startRedis()
  const run = startChild(new URL('../../demo/llm.ts', import.meta.url), { env: { REDIS_URL: server.url } })
  expect(await run.exit, run.stdout).toEqual({ code: 0, signal: null })
  expect(run.stdout).toContain('Everything held.')
})
