// Test projects, by what they need: nothing, a Redis server, or the built package.
// `tiercache` and its subpaths resolve to src/, so that tests and examples import what users import.

import { fileURLToPath } from 'node:url'
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config'
import { entries } from './scripts/subpaths.js'

const root = fileURLToPath(new URL('.', import.meta.url))

const alias = Object.entries(entries()).map(([name, source]) => ({
  find: name === 'index' ? /^tiercache$/ : new RegExp(`^tiercache/${name}$`),
  replacement: `${root}${source}`,
}))

const redisServer = ['test/support/setup-redis.ts']
const builtPackage = ['test/support/setup-build.ts']

export default defineConfig({
  resolve: { alias },
  test: {
    pool: 'forks',
    maxWorkers: 2,
    // An unhandled rejection is a crash in production, so it is one here.
    execArgv: ['--unhandled-rejections=strict', '--expose-gc'],
    projects: [
      // A bound on hangs, not on speed: tests that compute a second must not fail on a machine that does other things.
      project('hostile', { globalSetup: redisServer, testTimeout: 60_000, hookTimeout: 60_000 }),
      // One process for all files of a worker: loading the sources anew for each of them would cost more than the tests do.
      // So a unit test leaves nothing behind: no global replaced, no timer, no cache open.
      project('unit', { isolate: false, testTimeout: 30_000 }),
      project('properties', { testTimeout: 60_000 }),
      project('wire'),
      project('architecture', { testTimeout: 120_000 }),
      project('types', {
        include: [],
        typecheck: {
          enabled: true,
          only: true,
          include: ['test/types/**/*.test-d.ts'],
          tsconfig: 'test/types/tsconfig.json',
        },
      }),
      project('conformance', { globalSetup: redisServer, testTimeout: 30_000, hookTimeout: 60_000 }),
      project('scenarios', { globalSetup: redisServer, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('faults', { globalSetup: redisServer, testTimeout: 120_000, hookTimeout: 60_000 }),
      project('package', { globalSetup: builtPackage, testTimeout: 120_000, hookTimeout: 240_000 }),
    ],
  },
})

function project(name: string, options: TestProjectInlineConfiguration['test'] = {}): TestProjectInlineConfiguration {
  return { extends: true, test: { name, include: [`test/${name}/**/*.test.ts`], ...options } }
}
