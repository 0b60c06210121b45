// The program `tiercache` as its users get it: the `bin` of the installed package.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

const execute = promisify(execFile)

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

async function runBin(consumer: Consumer, ...args: string[]): Promise<Result> {
  try {
    const bin = join(consumer.folder, 'node_modules/.bin/tiercache')
    return { code: 0, ...(await execute(bin, args, { cwd: consumer.folder, timeout: 60_000 })) }
  } catch (error) {
    return error as Result
  }
}

describe('with ioredis', () => {
  let consumer: Consumer
  let server: RedisServer

  beforeAll(async () => {
    server = await startRedis()
    consumer = await createConsumer([inject('tarball'), 'ioredis@6'])
  })

  afterAll(async () => {
    consumer?.stop()
    await server?.stop()
  })

  test('the program shows its help', async () => {
    expect(await runBin(consumer, '--help')).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: tiercache <command>/),
    })
  })

  test('and its version, which is that of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(await runBin(consumer, '--version')).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  test('it reads and changes what a cache of the same package wrote', async () => {
    const where = ['--url', server.url, '--name', 'shop']
    await consumer.runProgram(
      'write.mjs',
      `import { createCache } from 'tiercache'; import { redisTier } from 'tiercache/redis'
       const cache = createCache({ name: 'shop', ttl: '1h', l2: redisTier('${server.url}') })
       await cache.ready(); await cache.set('k', { a: 1n }); await cache.close()`,
    )
    expect(await runBin(consumer, 'get', 'k', ...where)).toMatchObject({ code: 0, stdout: '{ a: 1n }\n' })
    expect(await runBin(consumer, 'delete', 'k', ...where)).toMatchObject({ code: 0 })
    expect(await runBin(consumer, 'get', 'k', ...where)).toMatchObject({ code: 1 })
    expect(await runBin(consumer, 'get', ...where)).toMatchObject({ code: 2 })
  })

  test('it shares its code with the entries', () => {
    const text = readFileSync(join(consumer.folder, 'node_modules/tiercache/dist/cli.js'), 'utf8')
    expect(text).toMatch(/^#!\/usr\/bin\/env node\n/)
    expect(text).toMatch(/from ['"]\.\/chunk-/)
    expect(text).not.toMatch(/class Cache\b/)
  })
})

describe('without ioredis', () => {
  let consumer: Consumer

  beforeAll(async () => {
    consumer = await createConsumer([inject('tarball')])
  })

  afterAll(() => consumer?.stop())

  test('the program says what to install', async () => {
    const result = await runBin(consumer, 'get', 'k', '--url', 'redis://127.0.0.1', '--name', 'shop')
    expect(result).toMatchObject({ code: 3, stderr: expect.stringMatching(/npm install ioredis/) })
  })
})
