// How long an import takes, each in a new process, in turn.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { commitOf } from './commit.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import { summarize } from './statistics.js'
import { BENCH, ROOT } from './workbench.js'

const dist = (file: string) => join(ROOT, 'dist', file)

const WITH_REDIS: Record<string, readonly string[]> = {
  'floor: ioredis': ['ioredis'],
  tiercache: [dist('index.js'), dist('redis.js'), 'ioredis'],
  bentocache: ['bentocache', 'bentocache/drivers/memory', 'bentocache/drivers/redis', 'ioredis'],
  cacheable: ['cacheable', '@keyv/redis'],
  'cache-manager': ['cache-manager', 'cacheable', 'keyv', '@keyv/redis'],
  cachified: ['@epic-web/cachified', 'lru-cache', 'ioredis'],
  'async-cache-dedupe': ['async-cache-dedupe', 'ioredis'],
  'layered-loader': ['layered-loader', 'ioredis'],
}

const CORE: Record<string, readonly string[]> = {
  'floor: lru-cache': ['lru-cache'],
  tiercache: [dist('index.js')],
  bentocache: ['bentocache', 'bentocache/drivers/memory'],
  cacheable: ['cacheable'],
  'cache-manager': ['cache-manager'],
  cachified: ['@epic-web/cachified', 'lru-cache'],
  'async-cache-dedupe': ['async-cache-dedupe'],
  'layered-loader': ['layered-loader/core'],
}

export const IMPORT_IDS = ['import-core', 'import-redis'] as const

export function measureImports(id: (typeof IMPORT_IDS)[number], rounds: number): WorkloadResult {
  const core = id === 'import-core'
  const times = new Map<string, number[]>()
  const contenders = core ? CORE : WITH_REDIS
  for (let round = 0; round < rounds; round++) {
    for (const [label, modules] of Object.entries(contenders)) {
      const all = times.get(label) ?? []
      all.push(timeImport(modules))
      times.set(label, all)
    }
  }
  const floor = times.values().next().value as number[]
  return {
    id,
    group: 'footprint',
    title: core ? 'import of the core' : 'import of the core with Redis',
    floor: core ? 'lru-cache' : 'ioredis',
    reach: core ? 3 : 1.15,
    judged: 'ratio',
    unit: 'ms',
    command: `npm run bench -- --only ${id}`,
    measuredAt: new Date().toISOString(),
    commit: commitOf(),
    slices: rounds,
    discarded: 0,
    busy: 0,
    contenders: [...times].map(([label, all], i): ContenderResult => {
      const ratio = i === 0 ? {} : { ratio: summarize(all.map((ms, round) => ms / (floor[round] as number))) }
      return { label, peer: label, cost: summarize(all), ...ratio }
    }),
  }
}

function timeImport(modules: readonly string[]): number {
  const imports = modules.map((module) => `await import(${JSON.stringify(module)})`).join('\n')
  const program = `const startMs = performance.now()\n${imports}\nprocess.stdout.write(String(performance.now() - startMs))\nprocess.exit(0)`
  const output = execFileSync(process.execPath, ['--input-type=module', '-e', program], {
    cwd: BENCH,
    encoding: 'utf8',
  })
  return Number(output)
}
