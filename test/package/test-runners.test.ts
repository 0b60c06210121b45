// The package in the test runners of its users: the code of the testing guide runs, and fake timers block nothing.
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { npmEnvironment } from '../support/consumer.js'
import { makeFolder, removeFolder } from '../support/processes.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

const run = promisify(execFile)
const MODULES = fileURLToPath(new URL('../../node_modules', import.meta.url))
const GUIDE = readFileSync(new URL('../../docs/guides/testing.md', import.meta.url), 'utf8')

const RUNNERS = {
  Vitest: ['node_modules/vitest/vitest.mjs', 'run', '--reporter=default'],
  Jest: ['node_modules/jest/bin/jest.js', '--ci', '--runInBand'],
  'node --test': ['--test'],
} as const
type Runner = keyof typeof RUNNERS

let redis: RedisServer
const folders: string[] = []

beforeAll(async () => {
  redis = await startRedis()
})

afterAll(async () => {
  for (const folder of folders) removeFolder(folder)
  await redis?.stop()
})

/** Runs test files in a user's project and returns the output of the runner. Rejects if a test fails or hangs. */
async function runTests(runner: Runner, files: Readonly<Record<string, string>>, jestOptions: object = {}) {
  const folder = makeFolder('runner')
  folders.push(folder)
  mkdirSync(join(folder, 'node_modules'))
  symlinkSync(inject('builtPackage'), join(folder, 'node_modules', 'tiercache'))
  for (const name of ['ioredis', 'ioredis-mock', 'jest', 'vitest']) {
    symlinkSync(join(MODULES, name), join(folder, 'node_modules', name))
  }
  const jest = { testTimeout: 20_000, transform: {}, ...jestOptions }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'shop', private: true, jest }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  const { FORCE_COLOR: _, ...environment } = npmEnvironment()
  const env = { ...environment, NO_COLOR: '1', NODE_ENV: 'test', REDIS_PORT: String(redis.port) }
  try {
    const { stdout, stderr } = await run(process.execPath, RUNNERS[runner], { cwd: folder, env, timeout: 100_000 })
    return stdout + stderr
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new Error(`${runner} failed:\n${stdout}\n${stderr}`, { cause: error })
  }
}

/** The files of the guide for one runner, by name. */
function filesOfGuide(runner: Runner): Record<string, string> {
  const blocks = GUIDE.matchAll(/^```js\n(\/\/ (\S+), run with ([^\n]+)\n.*?)^```$/gms)
  const files = Array.from(blocks).filter(([, , , its]) => its === runner)
  expect(files.length).toBeGreaterThan(0)
  return Object.fromEntries(files.map(([, text = '', name = '']) => [name, text]))
}

test.each(Object.keys(RUNNERS) as Runner[])('the code of the testing guide runs in %s', async (runner) => {
  const files = filesOfGuide(runner)
  const output = await runTests(runner, files)
  expect(output).toMatch(new RegExp(`(Tests:? +|pass )${Object.keys(files).length}\\b`))
})

/** Everything that batches, waits or has an L2. */
const EVERYTHING = `
const { createCache } = require('tiercache')
const { redisTier } = require('tiercache/redis')
const { memoryTier, MemoryServer } = require('tiercache/testing')
const { Redis } = require('ioredis')
const RedisMock = require('ioredis-mock')

const server = { host: '127.0.0.1', port: Number(process.env.REDIS_PORT) }

async function workOut(cache) {
  expect(await cache.getOrSet('new', async () => 1)).toBe(1)
  expect(await cache.set('k', 2, { tags: ['t'] })).toBe('applied')
  expect(await Promise.all([cache.get('k'), cache.get('other')])).toEqual([2, undefined])
  expect(await cache.getMany(['k', 'other'])).toEqual([2, undefined])
  expect(await cache.getOrSetMany(['k', 'a', 'b', 'c'], async (keys) => keys.map(() => 3))).toEqual([2, 3, 3, 3])
  const users = cache.source('users', {
    load: async (id) => id,
    loadMany: async (ids) => ids.map((id) => id * 10),
  })
  expect(await Promise.all([users.get(1), users.get(2), users.get(3)])).toEqual([10, 20, 30])
  expect(await cache.invalidateTags(['t'])).toBe('applied')
  expect(await cache.get('k')).toBeUndefined()
  expect(await cache.clear()).toBe('applied')
  await cache.set('aging', 1, { ttl: 100 })
  jest.advanceTimersByTime(99)
  expect(await cache.get('aging')).toBe(1)
  jest.advanceTimersByTime(1)
  expect(await cache.get('aging')).toBeUndefined()
  await cache.drain()
  await cache.close()
}

const kinds = {
  'no L2': () => createCache({ name: 'l1' }),
  'an L2 in memory': () => createCache({ name: 'memory', l2: memoryTier(new MemoryServer()) }),
  'ioredis-mock': () => createCache({ name: 'mock', l2: redisTier(new RedisMock()) }),
}
`

test('in Jest nothing hangs while timers are faked, and entries age as the timers are advanced', async () => {
  const program = `${EVERYTHING}
  afterEach(() => jest.useRealTimers())
  for (const [name, makeCache] of Object.entries(kinds)) {
    test('a cache made before, with ' + name, async () => {
      const cache = makeCache()
      await cache.set('k', 0)
      jest.useFakeTimers()
      await workOut(cache)
    })
    test('a cache made afterwards, with ' + name, async () => {
      jest.useFakeTimers()
      await workOut(makeCache())
    })
  }
  test.each(['before', 'afterwards'])('a cache on a server, made %s', async (when) => {
    const client = new Redis(server)
    await client.ping()
    const options = { name: 'real-' + when, l2: redisTier(client, { timeout: '5s' }) }
    const early = when === 'before' ? createCache(options) : undefined
    jest.useFakeTimers()
    await workOut(early ?? createCache(options))
    client.disconnect()
  })
  test('a server that is gone costs the timeout, although nobody advances the timers', async () => {
    const client = new Redis(server)
    await client.ping()
    const cache = createCache({ name: 'gone', l2: redisTier(client, { timeout: 50 }) })
    await cache.set('k', 1)
    jest.useFakeTimers()
    client.callBuffer = () => new Promise(() => {})
    expect(await cache.getOrSet('other', async () => 2)).toBe(2)
    expect(await cache.set('k', 3)).toBe('queued')
    await cache.close()
    client.disconnect()
  })
  test('entries age by themselves again afterwards', async () => {
    const cache = createCache()
    jest.useFakeTimers()
    await cache.set('old', 1, { ttl: 100 })
    jest.advanceTimersByTime(3_600_000)
    jest.useRealTimers()
    expect(await cache.get('old')).toBeUndefined()
    await cache.set('new', 1, { ttl: 20 })
    while ((await cache.get('new')) !== undefined) await new Promise(setImmediate)
    await cache.close()
  })`
  expect(await runTests('Jest', { 'everything.test.js': program })).toMatch(/Tests: +10 passed/)
})

test('in Jest nothing hangs if timers are faked before the package is loaded', async () => {
  const program = `${EVERYTHING}
  for (const [name, makeCache] of Object.entries(kinds)) {
    test('a cache with ' + name, () => workOut(makeCache()))
  }`
  const options = { fakeTimers: { enableGlobally: true } }
  expect(await runTests('Jest', { 'everything.test.js': program }, options)).toMatch(/Tests: +3 passed/)
})
