// What an import of `tiercache` loads: its own files and its runtime dependencies, but no Redis client,
// even if one is installed.

import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer } from '../support/consumer.js'

// msgpackr is part of both builds, p-limit of the CommonJS build.
const LIMIT = /^(p-limit|yocto-queue)$/
const ALLOWED = /^lru-cache$/

// Prints the URL or path of every module that Node resolves, ESM and CommonJS.
const WATCH = `
import { register } from 'node:module'
import { Module } from 'node:module'
register('data:text/javascript,' + encodeURIComponent(\`
  import { writeSync } from 'node:fs'
  export async function resolve(specifier, context, next) {
    const resolved = await next(specifier, context)
    writeSync(1, resolved.url + '\\\\n')
    return resolved
  }
\`))
const resolveFilename = Module._resolveFilename
Module._resolveFilename = function (...args) {
  const file = resolveFilename.apply(this, args)
  console.log(file)
  return file
}
`

let consumer: Consumer

beforeAll(async () => {
  consumer = await createConsumer([inject('tarball'), 'ioredis@6'])
  consumer.write('watch.mjs', WATCH)
})

afterAll(() => consumer?.stop())

async function loadedBy(name: string, source: string): Promise<string[]> {
  const output = await consumer.runProgram(name, source, ['--import', './watch.mjs'])
  return output.split('\n')
}

const packagesOf = (loaded: readonly string[]): string[] => {
  const names = loaded.flatMap((module) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(module)?.[1] ?? [])
  return [...new Set(names)].filter((name) => name !== 'tiercache')
}

test('the ESM entry loads no Redis client', async () => {
  const loaded = await loadedBy('entry.mjs', "import 'tiercache'")
  expect(loaded.join()).toContain('tiercache/dist/index.js')
  expect(packagesOf(loaded).filter((name) => !ALLOWED.test(name) && !LIMIT.test(name))).toEqual([])
  expect(loaded.join()).not.toMatch(/ioredis|dist\/redis/)
})

test('the CommonJS entry loads no Redis client', async () => {
  const loaded = await loadedBy('entry.cjs', "require('tiercache')")
  expect(loaded.join()).toContain('tiercache/dist/index.cjs')
  expect(packagesOf(loaded).filter((name) => !ALLOWED.test(name))).toEqual([])
  expect(loaded.join()).not.toMatch(/ioredis|dist\/redis/)
})

test('this check finds a Redis client that is loaded', async () => {
  expect(packagesOf(await loadedBy('client.mjs', "import 'ioredis'"))).toContain('ioredis')
  expect(packagesOf(await loadedBy('client.cjs', "require('ioredis')"))).toContain('ioredis')
})
