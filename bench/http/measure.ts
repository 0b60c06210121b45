// Measures the servers of the bench in turn: in each round every server answers some hundred requests, so that anything else on the
// machine affects all of them alike. A cost is the processor time of the server, since the generator shares the machine.
import { startRedis } from '../../test/support/redis-server.js'
import { commitOf } from '../harness/commit.js'
import { describeMachine, versionsOf } from '../harness/machine.js'
import { say } from '../harness/workbench.js'
import { ConnectionPool } from '../load/connections.js'
import { openLoop } from '../load/open-loop.js'
import { FRAMEWORK_PACKAGES, RIVALS, type Slice } from './contenders.js'
import type { Caching, FrameworkName, ServerSettings } from './messages.js'
import { coldFigure, type Figure, type HttpResults, p95Figure, ratioFigure } from './results.js'
import { ServerProcess } from './server-process.js'

export interface Effort {
  readonly rounds: number
  readonly requests: number
  readonly warmUp: number
  readonly p95Seconds: number
  readonly p95Turns: number
}

export const FULL: Effort = { rounds: 15, requests: 400, warmUp: 4_000, p95Seconds: 3, p95Turns: 3 }
export const SHORT: Effort = { rounds: 5, requests: 200, warmUp: 1_500, p95Seconds: 1, p95Turns: 2 }

const CONNECTIONS = 8
const PER_SECOND = 400
const KEYS = 20
const PROCESSES = 4
const CALLERS = 1_000

/** The paths whose costs are compared, and what each asks for. */
export const PATHS = {
  hit: { path: '/constant', headers: {} },
  brotli: { path: '/big', headers: { 'accept-encoding': 'br' } },
  uncached: { path: '/skipped', headers: {} },
} as const

export async function measureHttp(
  program: string,
  effort: Effort,
  only: readonly FrameworkName[],
): Promise<HttpResults> {
  const settings = only.flatMap((framework) => cachings(framework).map((caching) => ({ framework, caching })))
  const figures: Figure[] = []
  const servers = await Promise.all(settings.map((one) => ServerProcess.start(program, one)))
  for (const [what, { path, headers }] of Object.entries(PATHS) as [
    keyof typeof PATHS,
    { path: string; headers: object },
  ][]) {
    say(`${what}: ${servers.length} servers in turn, ${effort.rounds} rounds`)
    // Handlers compress by themselves where a rival is the cache, and users of a rival leave routes out by themselves.
    const asked = what === 'hit' ? servers : servers.filter((one) => one.settings.caching !== 'rival')
    const slices = await inTurn(asked, path, headers as Record<string, string>, effort)
    figures.push(...ratioFigure(what, slices))
  }
  say('p95 under an open loop, without and with a cache')
  const inFrontOfRivals = servers.filter(({ settings: { framework } }) => framework in RIVALS)
  const latencies = new Map<ServerProcess, number[]>(inFrontOfRivals.map((server) => [server, []]))
  for (let turn = 0; turn < effort.p95Turns; turn++)
    for (const [server, values] of latencies) values.push(await p95Of(server, effort))
  figures.push(...p95Figure(latencies))
  for (const server of servers) await server.stop()
  say(`${CALLERS} callers on ${PROCESSES} processes, cold`)
  for (const one of settings)
    if (one.caching !== 'none' && one.framework in RIVALS) figures.push(await coldOf(program, one))
  return {
    ...describeMachine(),
    packages: versionsOf([...FRAMEWORK_PACKAGES, 'apicache', '@fastify/caching', '@nestjs/cache-manager', 'undici']),
    effort: effort === FULL ? 'full' : 'short',
    commit: commitOf(),
    measuredAt: new Date().toISOString(),
    command: 'npm run bench:http',
    figures,
  }
}

function cachings(framework: FrameworkName): Caching[] {
  return framework in RIVALS ? ['none', 'tiercache', 'rival'] : ['none', 'tiercache']
}

async function inTurn(
  servers: readonly ServerProcess[],
  path: string,
  headers: Readonly<Record<string, string>>,
  effort: Effort,
): Promise<Map<ServerProcess, Slice[]>> {
  const slices = new Map<ServerProcess, Slice[]>()
  for (let round = -1; round < effort.rounds; round++) {
    // Each round begins with another server.
    const first = Math.max(0, round) % servers.length
    for (const server of [...servers.slice(first), ...servers.slice(0, first)]) {
      // A new one each time: servers close connections that are idle for five seconds.
      const pool = await ConnectionPool.open([server.port], CONNECTIONS)
      await Promise.all(Array.from({ length: CONNECTIONS }, () => pool.send({ method: 'GET', path, headers })))
      const slice = await sliceOf(server, pool, { path, headers }, round < 0 ? effort.warmUp : effort.requests)
      pool.close()
      if (round >= 0) slices.set(server, [...(slices.get(server) ?? []), slice])
    }
  }
  return slices
}

async function sliceOf(
  server: ServerProcess,
  pool: ConnectionPool,
  asked: { readonly path: string; readonly headers: Readonly<Record<string, string>> },
  requests: number,
): Promise<Slice> {
  const before = await server.report()
  const startMs = performance.now()
  let left = requests
  const client = async () => {
    while (left-- > 0) {
      const { status, bodyBytes } = await pool.send({ method: 'GET', ...asked })
      if (status !== 200 || bodyBytes === 0) throw new Error(`${JSON.stringify(server.settings)} answered ${status}`)
    }
  }
  await Promise.all(Array.from({ length: pool.size }, client))
  const wallUs = ((performance.now() - startMs) * 1_000) / requests
  return { cpuUs: ((await server.report()).cpuUs - before.cpuUs) / requests, wallUs }
}

/** Of a few keys that were requested before. More than 1,000 samples each time if the effort is full. */
async function p95Of({ port, settings }: ServerProcess, { p95Seconds }: Effort): Promise<number> {
  const pool = await ConnectionPool.open([port], 100)
  const request = (i: number) => ({ method: 'GET', path: `/slow?key=${i % KEYS}` }) as const
  if (settings.caching !== 'none') await Promise.all(Array.from({ length: KEYS }, (_, i) => pool.send(request(i))))
  const figures = await openLoop({ pool, perSecond: PER_SECOND, seconds: p95Seconds, request })
  pool.close()
  if (figures.errors > 0) throw new Error(`${JSON.stringify(settings)}: ${figures.errors} errors`)
  return figures.p95Ms
}

async function coldOf(program: string, settings: ServerSettings): Promise<Figure> {
  await using redis = await startRedis()
  const start = () => ServerProcess.start(program, { ...settings, redisPort: redis.port })
  const servers = await Promise.all(Array.from({ length: PROCESSES }, start))
  const pool = await ConnectionPool.open(
    servers.map(({ port }) => port),
    CALLERS,
  )
  const ask = (path: string) => Promise.all(Array.from({ length: CALLERS }, () => pool.send({ method: 'GET', path })))
  // So that all processes are connected to Redis and compiled; runs of this are not counted.
  await ask('/constant')
  await ask('/slow?first')
  const runsOf = async () =>
    (await Promise.all(servers.map((one) => one.report()))).reduce((sum, { runs }) => sum + runs, 0)
  const before = await runsOf()
  await ask('/slow?cold')
  const runs = (await runsOf()) - before
  pool.close()
  for (const server of servers) await server.stop()
  return coldFigure(settings, runs)
}
