// What users feel: latencies, throughput and database queries of a small service, with the cache off and on and in trouble.
import { startPostgres } from '../../test/support/postgres.js'
import { type RedisServer, startRedis } from '../../test/support/redis-server.js'
import { sleep } from '../../test/support/wait.js'
import { commitOf, describeEnvironment, type Environment } from '../harness/environment.js'
import { compileProgram, say } from '../harness/workbench.js'
import { type LoadResult, rush, zipfLoad } from './load.js'
import { type Report, ServerProcess } from './server-process.js'
import { CREATE_TABLE, SEARCH, wordOf } from './table.js'

const CONNECTIONS = 32
const SECONDS = 8
const WARM_UP_SECONDS = 20
const STORM_PER_SECOND = 2
const CALLERS = 1_000

export interface ScenarioResult {
  readonly processes: number
  readonly scenario: string
  readonly load: LoadResult
  readonly queriesPerSecond: number
  readonly queries: number
  /** Hits of both tiers per read. */
  readonly hitRatio: number | undefined
}

export interface ScenarioResults {
  readonly environment: Environment
  readonly commit: string
  readonly measuredAt: string
  readonly command: string
  /** The median of one search with nothing else going on. */
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
    const [hits, misses] = [after.hits - before.hits, after.misses - before.misses]
    const queries = after.queries - before.queries
    const queriesPerSecond = (queries * result.perSecond) / result.requests
    const hitRatio = hits + misses === 0 ? undefined : hits / (hits + misses)
    note({ processes, scenario, load: result, queriesPerSecond, queries, hitRatio })
  }
  const withLoad =
    (servers: readonly ServerProcess[], seconds = SECONDS) =>
    () =>
      zipfLoad({ ports: servers.map((server) => server.port), connections: CONNECTIONS, seconds })

  const bare = await start('off')
  await measure('cache off', bare, withLoad(bare))
  await Promise.all(bare.map((server) => server.stop()))

  const cached = await start('on')
  await measure('1,000 callers, cold key', cached, () =>
    rush(
      cached.map((server) => server.port),
      `/search/${wordOf(0)}`,
      CALLERS,
    ),
  )
  await measure('warm-up', cached, withLoad(cached, WARM_UP_SECONDS))
  await measure('cache on', cached, withLoad(cached))
  cached[0]?.storm(STORM_PER_SECOND)
  await measure(`${STORM_PER_SECOND} tag invalidations a second`, cached, withLoad(cached))
  cached[0]?.storm(0)
  await measure('Redis killed, restarted empty', cached, async () => {
    const loading = withLoad(cached)()
    await sleep(SECONDS * 250)
    await redis.kill()
    await sleep(SECONDS * 250)
    await redis.start()
    return loading
  })
  await Promise.all(cached.map((server) => server.stop()))
  return results
}

function total(reports: readonly Report[]): Pick<Report, 'queries' | 'hits' | 'misses'> {
  const sum = (count: (report: Report) => number) => reports.reduce((all, report) => all + count(report), 0)
  return { queries: sum((one) => one.queries), hits: sum((one) => one.hits), misses: sum((one) => one.misses) }
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
