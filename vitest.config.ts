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
const redisAndPrograms = [...redisServer, 'test/support/setup-programs.ts']
const seeds = ['test/support/setup-seeds.ts']
const programsOfOthers = [...redisAndPrograms, 'test/support/setup-others.ts']
const builtPackage = ['test/support/setup-build.ts']

/** Tests that compute: one file for each core of a small machine. */
const computing = { maxWorkers: 2, sequence: { groupOrder: 0 } }
/**
 * Tests that wait: for lives to end, links to be given up, servers to take over. They use little of a core, so more files than
 * cores run at once, and after those that compute, which would make them late.
 */
const waiting = { maxWorkers: 4, sequence: { groupOrder: 1 } }

export default defineConfig({
  resolve: { alias },
  test: {
    pool: 'forks',
    // An unhandled rejection is a crash in production, so it is one here.
    execArgv: ['--unhandled-rejections=strict', '--expose-gc'],
    projects: [
      // A limit on the time of a test is there for hangs. Tests that compute a second must not fail on a machine that does other things.
      // Unit tests share the process of their worker: loading the sources anew for each file would cost more than the tests do.
      // So a unit test leaves nothing behind: no global replaced, no timer, no cache open.
      project('unit', { ...computing, isolate: false, setupFiles: seeds, testTimeout: 30_000 }),
      project('wire', computing),
      project('properties', { ...computing, setupFiles: seeds, testTimeout: 60_000 }),
      project('migration', { ...computing, testTimeout: 60_000 }),
      project('architecture', { ...computing, testTimeout: 120_000 }),
      project('package', { ...computing, globalSetup: builtPackage, testTimeout: 120_000, hookTimeout: 240_000 }),
      project('types', {
        maxWorkers: computing.maxWorkers,
        include: [],
        typecheck: {
          enabled: true,
          only: true,
          include: ['test/types/**/*.test-d.ts'],
          tsconfig: 'test/types/tsconfig.json',
        },
      }),
      project('conformance', { ...waiting, globalSetup: redisServer, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('hostile', { ...waiting, globalSetup: redisServer, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('scenarios', { ...waiting, globalSetup: programsOfOthers, testTimeout: 60_000, hookTimeout: 60_000 }),
      project('faults', { ...waiting, globalSetup: redisAndPrograms, testTimeout: 120_000, hookTimeout: 60_000 }),
    ],
  },
})

function project(name: string, options: TestProjectInlineConfiguration['test'] = {}): TestProjectInlineConfiguration {
  return { extends: true, test: { name, include: [`test/${name}/**/*.test.ts`], ...options } }
}
