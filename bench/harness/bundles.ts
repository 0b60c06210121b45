// The bundle size of each package: esbuild, minified, gzipped, with dependencies but without Redis clients.

import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { commitOf } from './commit.js'
import type { ContenderResult, WorkloadResult } from './results.js'
import { BENCH, ROOT } from './workbench.js'

const ENTRIES: Record<string, string> = {
  'floor: lru-cache': `export { LRUCache } from 'lru-cache'`,
  tiercache: `export { createCache } from '${join(ROOT, 'dist/index.js')}'`,
  'tiercache with tiercache/redis': `export { createCache } from '${join(ROOT, 'dist/index.js')}'; export { redisTier } from '${join(ROOT, 'dist/redis.js')}'`,
  bentocache: `export { BentoCache, bentostore } from 'bentocache'; export { memoryDriver } from 'bentocache/drivers/memory'`,
  cacheable: `export { Cacheable } from 'cacheable'`,
  'cache-manager': `export { createCache } from 'cache-manager'`,
  cachified: `export { cachified } from '@epic-web/cachified'`,
  'async-cache-dedupe': `export { createCache } from 'async-cache-dedupe'`,
  'layered-loader': `export { Loader } from 'layered-loader/core'`,
}

export const BUNDLE_ID = 'bundle'

export async function weighBundles(): Promise<WorkloadResult> {
  const contenders: ContenderResult[] = []
  for (const [label, contents] of Object.entries(ENTRIES)) contenders.push(await weigh(label, contents))
  return {
    id: BUNDLE_ID,
    group: 'footprint',
    title: 'bundle without the Redis client, min+gzip',
    floor: 'lru-cache',
    reach: 20_000,
    judged: 'absolute',
    unit: 'bytes',
    command: `npm run bench -- --only ${BUNDLE_ID}`,
    measuredAt: new Date().toISOString(),
    commit: commitOf(),
    slices: 1,
    discarded: 0,
    busy: 0,
    contenders,
  }
}

async function weigh(label: string, contents: string): Promise<ContenderResult> {
  const { build } = await import('esbuild')
  try {
    const result = await build({
      stdin: { contents, resolveDir: BENCH },
      bundle: true,
      minify: true,
      write: false,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      external: ['ioredis', '@redis/client', 'redis'],
      logLevel: 'silent',
    })
    const bytes = gzipSync((result.outputFiles[0] as { contents: Uint8Array }).contents).length
    return { label, peer: label, cost: { median: bytes, low: bytes, high: bytes, count: 1 } }
  } catch (error) {
    return { label, peer: label, failure: `does not bundle: ${String(error).slice(0, 120)}` }
  }
}
