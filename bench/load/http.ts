// The scenario `http`: the API of the demo as two processes on one Redis, without and with its cache, under an open-loop load.

import { mulberry32 } from '../../test/support/random.js'
import { startRedis } from '../../test/support/redis-server.js'
import { commitOf } from '../harness/commit.js'
import { summarize } from '../harness/statistics.js'
import { say } from '../harness/workbench.js'
import { ConnectionPool, type Wanted } from './connections.js'
import { InstanceProcess } from './instance-process.js'
import { closedLoop, type LoadFigures, openLoop } from './open-loop.js'
import { wrk } from './wrk.js'

/** What a query takes. The bars of a service are 120 ms without a cache and 10 ms with it. */
const QUERY_MS = 120
const INSTANCES = 2
/** Few enough that requests do not wait for the processor: the load generator shares it. */
const UNCACHED_PER_SECOND = 200
const CACHED_PER_SECOND = 1_200
const CONNECTIONS = 1_000
const ITEMS = 20
const VIEWS = 10
/** One request in so many changes a price, which invalidates all views of an item. */
const CHANGE_EVERY = 2_400
const CALLERS = 10
const COLD_KEYS = 20
const WRK_CONNECTIONS = 24

export interface HttpLoad {
  readonly commit: string
  readonly measuredAt: string
  readonly command: string
  readonly queryMs: number
  readonly uncached: LoadFigures
  /** From an empty cache on. */
  readonly filling: LoadFigures
  /** After that. */
  readonly cached: LoadFigures
  readonly queriesPerColdKey: number
  /** Our figure divided by that of wrk: requests per second of a cached response, p95 of an uncached one. */
  readonly besideWrk: { readonly perSecond: number; readonly p95: number }
}

export async function loadHttp(command: string, seconds: number): Promise<HttpLoad> {
  await using redis = await startRedis()
  const start = (caching: 'on' | 'off') =>
    Promise.all(
      Array.from({ length: INSTANCES }, () =>
        InstanceProcess.start({ redisPort: redis.port, queryMs: QUERY_MS, caching }),
      ),
    )
  const bare = await start('off')
  const cachedOnes = await start('on')
  try {
    say(`without the cache: ${UNCACHED_PER_SECOND} requests/s for ${seconds} s`)
    const uncached = await underLoad(bare, { connections: CONNECTIONS / 4, perSecond: UNCACHED_PER_SECOND, seconds })
    const shape = { connections: CONNECTIONS, perSecond: CACHED_PER_SECOND, seconds }
    say(
      `with the cache, at first empty: ${CACHED_PER_SECOND} requests/s on ${CONNECTIONS} connections, twice ${seconds} s`,
    )
    const filling = await underLoad(cachedOnes, shape)
    const cached = await underLoad(cachedOnes, shape)
    say(`${CALLERS} callers at once for each of ${COLD_KEYS} cold keys`)
    const queriesPerColdKey = await coldKeys(cachedOnes)
    say(`the same closed loop by wrk, on ${WRK_CONNECTIONS} connections`)
    const besideWrk = await compareWithWrk(bare[0] as InstanceProcess, cachedOnes[0] as InstanceProcess)
    const measuredAt = new Date().toISOString()
    return {
      commit: commitOf(),
      measuredAt,
      command,
      queryMs: QUERY_MS,
      uncached,
      filling,
      cached,
      queriesPerColdKey,
      besideWrk,
    }
  } finally {
    for (const instance of [...bare, ...cachedOnes]) await instance.stop()
  }
}

interface Shape {
  readonly connections: number
  readonly perSecond: number
  readonly seconds: number
}

/** A second of load on other keys comes first, so that V8 has compiled what is measured. */
async function underLoad(instances: readonly InstanceProcess[], shape: Shape): Promise<LoadFigures> {
  const pool = await ConnectionPool.open(
    instances.map(({ port }) => port),
    shape.connections,
  )
  await openLoop({ pool, perSecond: shape.perSecond, seconds: 1, request: traffic('warm-up') })
  const figures = await openLoop({ pool, perSecond: shape.perSecond, seconds: shape.seconds, request: traffic('view') })
  pool.close()
  return figures
}

/** Reads of views of items, zipf-distributed, and now and then a new price. */
function traffic(view: string): (i: number) => Wanted {
  const random = mulberry32(1)
  const kinds = ITEMS * VIEWS
  // The inverse of the harmonic sum: a rank r is drawn with a probability of about 1/r.
  const draw = () => Math.min(kinds - 1, Math.floor(kinds ** random()) - 1)
  return (i) => {
    const kind = draw()
    const id = (kind % ITEMS) + 1
    if (i % CHANGE_EVERY === CHANGE_EVERY - 1) return { method: 'PUT', path: `/items/${id}/price/${i}` }
    return { method: 'GET', path: `/items/${id}?${view}=${Math.floor(kind / ITEMS)}` }
  }
}

async function coldKeys(instances: readonly InstanceProcess[]): Promise<number> {
  const queries = async () => sum(await Promise.all(instances.map((one) => one.queries())))
  const pool = await ConnectionPool.open(
    instances.map(({ port }) => port),
    CALLERS,
  )
  const before = await queries()
  for (let key = 0; key < COLD_KEYS; key++) {
    const path = `/items/1?cold=${key}`
    await Promise.all(Array.from({ length: CALLERS }, () => pool.send({ method: 'GET', path })))
  }
  pool.close()
  return ((await queries()) - before) / COLD_KEYS
}

/** In turn, and the median of the turns, since other work on the machine must hit both alike. */
async function compareWithWrk(bare: InstanceProcess, cached: InstanceProcess): Promise<HttpLoad['besideWrk']> {
  const [turns, seconds, path] = [3, 2, '/items/1']
  const perSecond: number[] = []
  const p95: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    const ours = await closed(cached, path, seconds)
    perSecond.push(ours.perSecond / (await wrk(urlOf(cached, path), WRK_CONNECTIONS, seconds)).perSecond)
    const slow = await closed(bare, path, seconds)
    p95.push(slow.p95Ms / (await wrk(urlOf(bare, path), WRK_CONNECTIONS, seconds)).p95Ms)
  }
  return { perSecond: summarize(perSecond).median, p95: summarize(p95).median }
}

async function closed({ port }: InstanceProcess, path: string, seconds: number): Promise<LoadFigures> {
  const pool = await ConnectionPool.open([port], WRK_CONNECTIONS)
  const figures = await closedLoop({ pool, seconds, request: () => ({ method: 'GET', path }) })
  pool.close()
  return figures
}

function urlOf({ port }: InstanceProcess, path: string): string {
  return `http://127.0.0.1:${port}${path}`
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
