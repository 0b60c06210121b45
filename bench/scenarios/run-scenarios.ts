// What users notice: latencies, throughput and database queries of a small service, with the cache off, on, and in trouble.
import { startPostgres } from '../../test/support/postgres.js'
import { type RedisServer, startRedis } from '../../test/support/redis-server.js'
import { sleep } from '../../test/support/wait.js'
import { commitOf } from '../harness/commit.js'
import { describeEnvironment, type Environment } from '../harness/environment.js'
import { compileProgram, say } from '../harness/workbench.js'
import { type LoadResult, rush, sweep, zipfLoad } from './load.js'
import { type Report, ServerProcess } from './server-process.js'
import { CREATE_TABLE, SEARCH, wordOf } from './table.js'

/** Clients that send the next request as soon as they get a response. */
const CLIENTS = 32
/** Requests per second of the other scenarios, with connections enough for the slow responses among them. */
const RATE = 1_200
const CONNECTIONS = 240
const SECONDS = 8
const WARM_UP_SECONDS = 20
const STORM_PER_SECOND = 2
const CALLERS = 1_000
const SWEEPERS = 4

/** The names of the scenarios. */
export const OFF = `cache off, ${CLIENTS} clients`
export const FULL_SPEED = `cache on, ${CLIENTS} clients`
export const COLD = '1,000 callers, cold key'
export const WARM_UP = `warm-up from nothing, ${RATE.toLocaleString('en')}/s`
export const ON = `cache on, ${RATE.toLocaleString('en')}/s`
export const STORM = `${STORM_PER_SECOND} tag invalidations a second`
export const RESTART = 'Redis killed, back empty 2 s later'

export interface ScenarioResult {
  readonly processes: number
  readonly scenario: string
  readonly load: LoadResult
  readonly queriesPerSecond: number
  readonly queries: number
  /** The share of requests that a tier served. A request that waits for the load of another is not a hit. */
  readonly hitRatio: number | undefined
}

export interface ScenarioResults {
  readonly environment: Environment
  readonly commit: string
  readonly measuredAt: string
  readonly command: string
  /** The median duration of one search while nothing else runs. */
  readonly searchMs: number
  readonly scenarios: readonly ScenarioResult[]
}

export async function runScenarios(): Promise<ScenarioResults> {
  const program = await compileProgram('scenarios/server.ts')
  await using postgres = await startPostgres({
    args: ['-c', 'max_connections=40', '-c', 'max_parallel_workers_per_gather=0'],
  })
  await using redis = await startRedis()
  for (const statement of CREATE_TABLE.split(';').filter((text) => text.trim() !== '')) postgres.query(statement)
  const environment = describeEnvironment((await redis.info('server')).redis_version ?? 'unknown')
  const searchMs = timeSearch((sql) => postgres.query(sql))
  say(`one search takes ${searchMs.toFixed(0)} ms`)
  const scenarios: ScenarioResult[] = []
  for (const processes of [1, 2]) scenarios.push(...(await runWith(processes, program, postgres.url, redis)))
  const command = 'npm run bench:scenarios'
  return { environment, commit: commitOf(), measuredAt: new Date().toISOString(), command, searchMs, scenarios }
}

async function runWith(processes: number, program: string, postgresUrl: string, redis: RedisServer) {
  await redis.command('FLUSHALL')
  const results: ScenarioResult[] = []
  const start = (cache: 'off' | 'on') =>
    Promise.all(
      Array.from({ length: processes }, () =>
        ServerProcess.start(program, { postgresUrl, redisPort: redis.port, cache }),
      ),
    )
  const note = (result: ScenarioResult) => {
    say(describe(result))
    results.push(result)
  }
  const measure = async (scenario: string, servers: readonly ServerProcess[], load: () => Promise<LoadResult>) => {
    const before = total(await Promise.all(servers.map((server) => server.report())))
    const result = await load()
    const after = total(await Promise.all(servers.map((server) => server.report())))
    const queries = after.queries - before.queries
    const queriesPerSecond = (queries * result.perSecond) / result.requests
    const hitRatio = scenario === OFF ? undefined : Math.min(1, (after.hits - before.hits) / result.requests)
    note({ processes, scenario, load: result, queriesPerSecond, queries, hitRatio })
  }
  const portsOf = (servers: readonly ServerProcess[]) => servers.map((server) => server.port)
  const atFullSpeed = (servers: readonly ServerProcess[]) => () =>
    zipfLoad({ ports: portsOf(servers), connections: CLIENTS, seconds: SECONDS })

  const bare = await start('off')
  await measure(OFF, bare, atFullSpeed(bare))
  await Promise.all(bare.map((server) => server.stop()))

  const cached = await start('on')
  const ports = portsOf(cached)
  const atRate =
    (seconds = SECONDS) =>
    () =>
      zipfLoad({ ports, connections: CONNECTIONS, seconds, rate: RATE })
  await measure(COLD, cached, () => rush(ports, `/search/${wordOf(0)}`, CALLERS))
  await measure(WARM_UP, cached, atRate(WARM_UP_SECONDS))
  await sweep(ports, SWEEPERS)
  await measure(FULL_SPEED, cached, atFullSpeed(cached))
  await measure(ON, cached, atRate())
  cached[0]?.storm(STORM_PER_SECOND)
  await measure(STORM, cached, atRate())
  cached[0]?.storm(0)
  // The loads that the storm left over are not caused by Redis.
  await sweep(ports, SWEEPERS)
  await measure(RESTART, cached, async () => {
    const loading = atRate()()
    await sleep(SECONDS * 250)
    await redis.kill()
    await sleep(SECONDS * 250)
    await redis.start()
    return loading
  })
  await Promise.all(cached.map((server) => server.stop()))
  return results
}

function total(reports: readonly Report[]): Pick<Report, 'queries' | 'hits'> {
  const sum = (count: (report: Report) => number) => reports.reduce((all, report) => all + count(report), 0)
  return { queries: sum((one) => one.queries), hits: sum((one) => one.hits) }
}

function timeSearch(query: (sql: string) => string[][]): number {
  const times = Array.from({ length: 5 }, (_, i) => {
    const rows = query(`EXPLAIN (ANALYZE, FORMAT TEXT) ${SEARCH.replace('$1::text', `'${wordOf(i)}'`)}`)
    return Number(/Execution Time: ([\d.]+)/.exec(rows.flat().join('\n'))?.[1])
  })
  return times.sort((a, b) => a - b)[2] as number
}

function describe({ processes, scenario, load, queriesPerSecond, queries, hitRatio }: ScenarioResult): string {
  const { p50Ms, p95Ms, p99Ms, perSecond, errors } = load
  const ratio = hitRatio === undefined ? '' : `, hit ratio ${(hitRatio * 100).toFixed(1)} %`
  return (
    `${processes} × ${scenario}: p50 ${p50Ms.toFixed(1)}, p95 ${p95Ms.toFixed(1)}, p99 ${p99Ms.toFixed(1)} ms; ` +
    `${perSecond.toFixed(0)} requests/s, ${errors} errors; ${queriesPerSecond.toFixed(1)} queries/s (${queries})${ratio}`
  )
}
