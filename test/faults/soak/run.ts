// One soak from start to end: processes, troubles, samples of what must not grow, and the records for the checker.
import { type Child, startChild } from '../../support/child.js'
import { startProxy, type TcpProxy } from '../../support/proxy.js'
import { type RedisServer, startRedis } from '../../support/redis-server.js'
import { sleep } from '../../support/wait.js'
import type { HistoryRecord } from '../history/records.js'
import { AT_ANY_TIME, type Place, type Trouble } from '../troubles.js'
import type { Ended, Sample, WorkerArguments, WorkerOrder, WorkerReport } from './protocol.js'

export interface SoakOptions {
  readonly durationMs: number
  readonly processes: number
  readonly loops: number
  readonly maxStalenessMs: number
  /** Operations a second of all processes; as many as come if not given. */
  readonly perSecond?: number | undefined
}

export interface SoakResult {
  readonly options: SoakOptions
  readonly records: readonly HistoryRecord[]
  /** By process, oldest first. Taken under traffic. */
  readonly samples: readonly (readonly Sample[])[]
  /** The keys in Redis under traffic, oldest first, whenever it replied. */
  readonly redisKeys: readonly number[]
  /** By process: once it is warm, and when it is idle at the end. */
  readonly atRest: readonly { readonly first: Sample; readonly last: Sample }[]
  readonly troubles: Readonly<Record<string, number>>
  readonly ended: readonly (Ended & { readonly endedByItself: boolean })[]
}

interface Worker {
  readonly child: Child
  readonly proxy: TcpProxy
  readonly samples: Sample[]
}

/** Until then caches fill and code is compiled, so growth means nothing. */
const WARM_UP_MS = 10_000
const SAMPLE_EVERY_MS = 5_000
/** How long a process may take to close its cache and end. */
const END_LIMIT_MS = 15_000

export async function runSoak(options: SoakOptions): Promise<SoakResult> {
  const server = await startRedis()
  const records: HistoryRecord[] = []
  const workers: Worker[] = []
  for (let i = 0; i < options.processes; i++) workers.push(await startWorker(i, server, options))
  await Promise.all(workers.map(({ child }) => told(child, 'ready', records)))
  const untilMs = performance.now() + options.durationMs
  await sleep(Math.min(WARM_UP_MS, options.durationMs / 4))
  const first = await Promise.all(workers.map((worker) => sampleOf(worker, records)))
  const redisKeys: number[] = []
  const sampling = sampleUntil(untilMs, { server, workers, records, redisKeys })
  const troubles = await makeTrouble(untilMs, server, workers)
  await sampling
  for (const { child } of workers) send(child, { order: 'rest' })
  await Promise.all(workers.map(({ child }) => told(child, 'rests', records)))
  await sleep(2_000)
  const last = await Promise.all(workers.map((worker) => sampleOf(worker, records)))
  const ended = await Promise.all(workers.map((worker) => endOf(worker, records)))
  for (const { child, proxy } of workers) {
    await child.kill()
    await proxy.stop()
  }
  await server.stop()
  const atRest = first.map((sample, i) => ({ first: sample, last: last[i] as Sample }))
  return { options, records, samples: workers.map(({ samples }) => samples), redisKeys, atRest, troubles, ended }
}

async function startWorker(process: number, server: RedisServer, options: SoakOptions): Promise<Worker> {
  const proxy = await startProxy(server.port)
  const { loops, maxStalenessMs } = options
  const perSecond = options.perSecond === undefined ? undefined : options.perSecond / options.processes
  const given = { process, url: proxy.url, maxStalenessMs, loops, perSecond } satisfies WorkerArguments
  const child = startChild(new URL('./worker.ts', import.meta.url), {
    args: [JSON.stringify(given)],
    nodeArgs: ['--expose-gc'],
  })
  return { child, proxy, samples: [] }
}

function send(child: Child, message: WorkerOrder): void {
  child.send(message)
}

/** Receives the messages of a worker until it sends `report`, and stores its records in `records`. */
async function told<R extends WorkerReport['report']>(
  child: Child,
  report: R,
  records: HistoryRecord[],
): Promise<Extract<WorkerReport, { report: R }>> {
  for (;;) {
    const said = await child.next<WorkerReport>(() => true, 60_000)
    if (said.report === 'records') for (const record of said.records) records.push(record)
    if (said.report === report) return said as Extract<WorkerReport, { report: R }>
  }
}

async function sampleOf({ child }: Worker, records: HistoryRecord[]): Promise<Sample> {
  send(child, { order: 'sample' })
  return (await told(child, 'sample', records)).sample
}

interface Sampled {
  readonly server: RedisServer
  readonly workers: readonly Worker[]
  readonly records: HistoryRecord[]
  readonly redisKeys: number[]
}

async function sampleUntil(untilMs: number, { server, workers, records, redisKeys }: Sampled): Promise<void> {
  while (performance.now() + SAMPLE_EVERY_MS < untilMs) {
    await sleep(SAMPLE_EVERY_MS)
    // The trouble of this moment may be that Redis does not reply.
    const keys = await server.command('DBSIZE').catch(() => undefined)
    if (typeof keys === 'number') redisKeys.push(keys)
    await Promise.all(workers.map(async (worker) => worker.samples.push(await sampleOf(worker, records))))
  }
}

/** Begins one trouble after the other, each followed by a quiet time, until the run is over. Ends all of them. */
async function makeTrouble(untilMs: number, server: RedisServer, workers: readonly Worker[]) {
  const counts: Record<string, number> = {}
  while (performance.now() < untilMs - 8_000) {
    const trouble = AT_ANY_TIME[Math.floor(Math.random() * AT_ANY_TIME.length)] as Trouble
    const { proxy } = workers[Math.floor(Math.random() * workers.length)] as Worker
    const place: Place = { server, proxy }
    counts[trouble.name] = (counts[trouble.name] ?? 0) + 1
    await trouble.begin(place)
    // Shorter and longer than a timeout, the trust in L1 and a lease.
    await sleep(200 + Math.random() ** 2 * 6_000)
    await trouble.end?.(place)
    await sleep(Math.random() * 1_500)
  }
  await sleep(Math.max(0, untilMs - performance.now()))
  return counts
}

async function endOf({ child }: Worker, records: HistoryRecord[]) {
  send(child, { order: 'end' })
  const ended = await told(child, 'ended', records)
  const exit = await Promise.race([child.exit, sleep(END_LIMIT_MS)])
  const endedByItself = exit !== undefined && exit.code === 0
  return { ...ended, endedByItself, rejections: [...ended.rejections, ...(child.stderr === '' ? [] : [child.stderr])] }
}
