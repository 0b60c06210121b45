// Pages of docs/recipes that are programs print what their comments promise.
import * as decimal from 'decimal.js'
import * as tiercache from 'tiercache'
import * as extensions from 'tiercache/extensions'
import * as redis from 'tiercache/redis'
import * as testing from 'tiercache/testing'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { runGuide } from '../support/guide.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

const MODULES = {
  tiercache,
  'tiercache/redis': redis,
  'tiercache/testing': testing,
  'tiercache/extensions': extensions,
  'decimal.js': decimal,
}

const RECIPES = [
  'blue-green',
  'cron-and-cli',
  'feature-flags',
  'hot-reload',
  'invalidation-rate',
  'multi-tenant',
  'orm-entities',
  'refresh-ahead',
  'serverless',
  'soft-purge',
  'tests',
]

let server: RedisServer

beforeAll(async () => {
  server = await startRedis()
  vi.stubEnv('REDIS_URL', server.url)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await server.stop()
})

test.each(RECIPES)('%s', async (name) => {
  const { promised, printed } = await runGuide(`../recipes/${name}`, MODULES)
  expect(promised.length).toBeGreaterThan(0)
  expect(printed).toEqual(promised)
})
