// npm run sessions -- [--operations 100000] [--seed 1]: 64 writers in four processes append to sessions, processes are killed, and every
// promise is checked, on one server and on a cluster. Exits with code 1 if one was broken.
import { parseArgs } from 'node:util'
import { startRedisCluster } from '../../support/redis-cluster.js'
import { startRedis } from '../../support/redis-server.js'
import { playHistory } from './history.js'

const { values } = parseArgs({
  options: { operations: { type: 'string', default: '100000' }, seed: { type: 'string', default: '1' } },
})
const operations = Number(values.operations)
const seed = Number(values.seed)
if (!(operations >= 1)) throw new Error(`expected --operations of 1 or more; got ${values.operations}`)

const server = await startRedis()
const cluster = await startRedisCluster()
let isBroken = false
try {
  const forms = { 'one server': [server.port], 'a cluster': cluster.nodes.map(({ port }) => port) }
  for (const [form, ports] of Object.entries(forms)) {
    const startedAt = performance.now()
    const { acknowledged, refused, kills, faults } = await playHistory({ ports, operations, seed })
    const seconds = (performance.now() - startedAt) / 1_000
    process.stdout.write(
      `${form}: ${acknowledged} acknowledged, ${refused} refused after an end, ${kills} kills, ${faults.length} faults, ` +
        `${Math.round(acknowledged / seconds)} appends a second\n`,
    )
    for (const fault of faults) process.stderr.write(`sessions: ${fault}\n`)
    isBroken ||= faults.length > 0
  }
} finally {
  await Promise.all([server.stop(), cluster.stop()])
}
process.exit(isBroken ? 1 : 0)
