// The machine and the software of a run.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'
import { PEERS } from '../peers/peers.js'
import { commitOf } from './commit.js'
import { BENCH } from './workbench.js'

export interface Environment {
  readonly cpu: string
  readonly cores: number
  readonly memoryGiB: number
  readonly node: string
  readonly redis: string
  readonly commit: string
  readonly packages: Readonly<Record<string, string>>
}

export function describeEnvironment(redis: string): Environment {
  const names = new Set(PEERS.map((peer) => peer.packageName).filter((name) => name !== 'tiercache'))
  for (const name of ['keyv', '@keyv/redis', 'fastify', 'autocannon', 'pg', 'esbuild', 'echarts']) names.add(name)
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    redis,
    commit: commitOf(),
    packages: Object.fromEntries([...names].sort().map((name) => [name, versionOf(name)])),
  }
}

function versionOf(name: string): string {
  const manifest = createRequire(join(BENCH, 'package.json')).resolve.paths(name)?.[0]
  return (JSON.parse(readFileSync(join(manifest as string, name, 'package.json'), 'utf8')) as { version: string })
    .version
}
