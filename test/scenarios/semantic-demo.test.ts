// The part of the demo on similar questions, on a real Redis.
import { Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { expect, test } from 'vitest'
import { showSemantic } from '../../demo/semantic.js'
import { startRedis } from '../support/redis-server.js'
import { sleep } from '../support/wait.js'

test('exact and similar questions are not loaded, and a false friend and a personal question are', async () => {
  await using server = await startRedis()
  const client = new Redis(server.url)
  const cache = createCache({ name: 'demo', l2: redisTier(client), logger: false })
  await cache.ready()
  const asked: string[] = []
  const printed: string[] = []
  const lines = await showSemantic(
    cache,
    async (question) => {
      asked.push(question)
      await sleep(20)
      return `an answer to ${question}`
    },
    (line) => printed.push(line),
  )
  expect(lines.map(({ from }) => from)).toEqual(['loaded', 'exact', 'semantic', 'loaded', 'loaded'])
  expect(asked).toHaveLength(3)
  expect(lines[3]?.why).toContain('roles')
  expect(lines[4]?.why).toContain('personal')
  expect(printed).toHaveLength(5)
  await cache.close()
  client.disconnect()
})
