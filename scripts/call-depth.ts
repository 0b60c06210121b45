// Which files and functions of src/ a call enters, on a real Redis: `npx tsx scripts/call-depth.ts`. Its table is in docs/architecture.md.
import { Session } from 'node:inspector/promises'
import { Redis } from 'ioredis'
import { type Cache, createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { startRedis } from '../test/support/redis-server.js'

/** Files and functions that ran at least once. */
interface Depth {
  readonly files: readonly string[]
  readonly functions: number
}

const SOURCE = /\/src\/(.+\.ts)$/

/** Measures `call` alone: not what ran before, but including the background work that it starts. */
async function depthOf(session: Session, call: () => Promise<unknown>): Promise<Depth> {
  await session.post('Profiler.takePreciseCoverage')
  await call()
  const { result } = await session.post('Profiler.takePreciseCoverage')
  const files: string[] = []
  let functions = 0
  for (const { url, functions: all } of result) {
    const file = SOURCE.exec(url)?.[1]
    // The first range of a function is the whole function. The body of the module is a function without a name that starts at 0.
    const ran = all.filter(({ ranges: [whole] }) => whole !== undefined && whole.count > 0 && whole.startOffset > 0)
    if (file === undefined || ran.length === 0) continue
    files.push(file)
    functions += ran.length
  }
  return { files: files.sort(), functions }
}

const CALLS: Readonly<Record<string, (cache: Cache, reader: Cache) => Promise<unknown>>> = {
  'hit in L1': (cache) => cache.getOrSet('k', async () => 'v'),
  'hit in L2': (_, reader) => reader.getOrSet('k', async () => 'v'),
  'miss, load and fill': async (cache) => {
    await cache.getOrSet('fresh', async () => 'v')
    await cache.drain()
  },
  set: (cache) => cache.set('k', 'w'),
  delete: (cache) => cache.delete('k'),
  invalidateTags: (cache) => cache.invalidateTags(['t']),
}

const server = await startRedis()
const client = new Redis(server.port)
const reading = new Redis(server.port)
const cache = createCache({ l2: redisTier(client, { bus: false }) })
const reader = createCache({ l2: redisTier(reading, { bus: false }), l1: false })
await Promise.all([cache.ready(), reader.ready()])
const session = new Session()
session.connect()
await session.post('Profiler.enable')
await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false })
const isVerbose = process.argv.includes('--files')

console.log('| call | files | functions |\n|---|---|---|')
for (const [name, call] of Object.entries(CALLS)) {
  await cache.set('k', 'v')
  // Each call is made once before, so that what runs once per process (lazy set-up, the first token of a scope) is not counted.
  await call(cache, reader)
  await cache.delete('fresh')
  await cache.set('k', 'v')
  await cache.drain()
  const { files, functions } = await depthOf(session, () => call(cache, reader))
  console.log(`| ${name} | ${files.length} | ${functions} |`)
  if (isVerbose) console.log(files.map((file) => `    ${file}`).join('\n'))
}

await session.post('Profiler.stopPreciseCoverage')
await Promise.all([cache.close(), reader.close()])
client.disconnect()
reading.disconnect()
await server.stop()
