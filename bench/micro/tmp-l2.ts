// usage: npx tsx /tmp/l2hit.ts <old root> <new root>
import { pathToFileURL } from 'node:url'
const [oldRoot, newRoot] = process.argv.slice(2)
const { CODEC_VALUES } = await import(pathToFileURL(`${newRoot}/bench/micro/codec-values.ts`).href)
async function side(root: string) {
  const { createCache } = await import(pathToFileURL(`${root}/src/index.ts`).href)
  const { redisTier } = await import(pathToFileURL(`${root}/src/redis/index.ts`).href)
  const { MemoryServer, memoryTier } = await import(pathToFileURL(`${root}/src/testing/index.ts`).href)
  const memory = createCache({ name: `m${root.length}`, ttl: '1h', l1: false, l2: memoryTier(new MemoryServer()), logger: false })
  const redis = process.env.PORT ? createCache({ name: `r${root.length}`, ttl: '1h', l1: false, l2: redisTier(`redis://127.0.0.1:${process.env.PORT}`), logger: false }) : undefined
  return { memory, redis }
}
const sides = { old: await side(oldRoot!), now: await side(newRoot!) }
const median = (a: number[]) => [...a].sort((x, y) => x - y)[a.length >> 1]!
for (const kind of ['memory', 'redis'] as const) {
  for (const name of ['object of 200 B', 'page of 4 KB', 'page of 50 KB', '100 rows with a Date']) {
    const times: Record<string, number[]> = { old: [], now: [] }
    for (const s of ['old', 'now'] as const) await sides[s][kind]?.set('k', CODEC_VALUES[name])
    if (!sides.old[kind]) continue
    for (let round = 0; round < 30; round++) {
      for (const s of ['old', 'now'] as const) {
        const cache = sides[s][kind]!
        const start = process.cpuUsage(); let n = 0; const used = () => { const c = process.cpuUsage(start); return c.user + c.system }
        while (used() < 40000) { for (let i = 0; i < 5; i++) await cache.get('k'); n += 5 }
        times[s]!.push(used() / n)
      }
    }
    const [o, n] = [median(times.old!.slice(5)), median(times.now!.slice(5))]
    console.log(kind, name, `old ${o.toFixed(1)} us, now ${n.toFixed(1)} us, x${(n / o).toFixed(3)}`)
  }
}
for (const s of Object.values(sides)) { await s.memory.close(); await s.redis?.close() }
