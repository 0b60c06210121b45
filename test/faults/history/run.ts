// One history from start to end: real processes on a real Redis with faults of all kinds, and the verdict on all that they did.
import { type Child, startChild } from '../../support/child.js'
import { startProxy } from '../../support/proxy.js'
import { type RedisServer, startRedis } from '../../support/redis-server.js'
import { sleep } from '../../support/wait.js'
import { check, type Verdict } from './checker.js'
import { breakThings, type FaultName, type Target } from './nemesis.js'
import type { HistoryRecord, Order, Report, WorkerOptions } from './records.js'

export interface HistoryOptions {
  /** How long there are faults at most. */
  readonly durationMs: number
  /** Whether the history ends at the first violation. That is enough if its processes are broken on purpose. */
  readonly until?: 'its end' | 'a violation' | undefined
  readonly processes: number
  /** How many of them change anything; the others only read. */
  readonly writers: number
  /** How many loops of operations each process runs. */
  readonly concurrency: number
  readonly keys: number
  readonly maxStalenessMs: number
  /** The faults that may occur; by default all. */
  readonly faults?: readonly FaultName[] | undefined
  /** The name of a mutation in `test/properties/model/mutations.ts`, which breaks a port on purpose. */
  readonly mutation?: string | undefined
}

export interface History {
  readonly verdict: Verdict
  readonly operations: number
  readonly loads: number
  readonly faults: Readonly<Record<string, number>>
}

/** Long enough after the last fault for everything to be published and received. */
const MENDING_MS = 2_500

export async function runHistory(options: HistoryOptions): Promise<History> {
  await using server = await startRedis()
  await using database = await startRedis()
  const world = new World(options, server, database)
  try {
    return await world.run()
  } finally {
    await world.stop()
  }
}

class World {
  readonly #records: HistoryRecord[] = []
  readonly #resources: AsyncDisposable[] = []

  constructor(
    private readonly options: HistoryOptions,
    private readonly server: RedisServer,
    private readonly database: RedisServer,
  ) {}

  async run(): Promise<History> {
    const { server, options } = this
    const numbers = Array.from({ length: options.processes }, (_, i) => i)
    const targets = await Promise.all(numbers.map((i) => this.#start(i, i < options.writers ? 'writer' : 'reader')))
    const untilMs = performance.now() + options.durationMs
    const stopped = Promise.all(targets.map(({ child }) => this.#reported(child, 'stopped')))
    // The error of a failed process is reported later; until then it must not be an unhandled rejection.
    stopped.catch(() => undefined)
    const isOver = () => performance.now() > untilMs || (options.until === 'a violation' && this.#sawViolation())
    const faults = await breakThings({ server, targets }, isOver, options.faults)
    for (const { child } of targets) child.send({ order: 'stop' } satisfies Order)
    await stopped
    if (options.until === 'a violation' && this.#sawViolation()) return this.#history(faults)
    await sleep(Math.max(MENDING_MS, 2 * options.maxStalenessMs))
    const newcomer = await this.#start(options.processes, 'newcomer')
    for (const { child } of [...targets, newcomer]) {
      child.send({ order: 'readAll' } satisfies Order)
      await this.#reported(child, 'hasReadAll')
    }
    return this.#history(faults)
  }

  /** Whether the records so far prove a violation. Reads of values without a record of their origin yet are left out. */
  #sawViolation(): boolean {
    const made = new Set(this.#records.map((record) => (record.record === 'birth' ? record.id : undefined)))
    const known = this.#records.filter((record) => record.record !== 'read' || made.has(record.value))
    return check(known, this.options.maxStalenessMs).violations.length > 0
  }

  #history(faults: History['faults']): History {
    return {
      verdict: check(this.#records, this.options.maxStalenessMs),
      operations: this.#records.filter(({ record }) => record === 'read' || record === 'write').length,
      loads: this.#records.filter((record) => record.record === 'birth' && record.write === undefined).length,
      faults,
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#resources.map((resource) => resource[Symbol.asyncDispose]()))
  }

  async #start(process: number, kind: WorkerOptions['kind']): Promise<Target> {
    const [data, bus] = [await startProxy(this.server.port), await startProxy(this.server.port)]
    const { concurrency, keys, maxStalenessMs, mutation } = this.options
    const ports = { dataPort: data.port, busPort: bus.port, databasePort: this.database.port }
    const client = process % 2 === 0 ? 'lent' : 'own'
    const worker = {
      process,
      kind,
      client,
      concurrency,
      keys,
      maxStalenessMs,
      mutation,
      ...ports,
    } satisfies WorkerOptions
    const child = startChild(new URL('./worker.ts', import.meta.url), { args: [JSON.stringify(worker)] })
    this.#resources.push(child, data, bus)
    await this.#reported(child, 'ready')
    return { child, data, bus }
  }

  /** Receives the messages of a worker until it sends `report`, and its records. */
  async #reported(child: Child, report: Report['report']): Promise<void> {
    for (;;) {
      const said = await child.next<Report>(() => true, 60_000)
      if (said.report === 'records') for (const record of said.records) this.#records.push(record)
      if (said.report === 'broken') throw new Error(`a process broke: ${said.error}`)
      if (said.report === report) return
    }
  }
}

/** The figures in words. */
export function describe({ verdict, operations, loads, faults }: History): string {
  const { writes, violations, worstStalenessMs, values } = verdict
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0)
  const lines = [
    `history: ${operations} operations (${verdict.reads} reads, ${loads} loads, ${writes.applied} writes applied, ${writes.queued} queued) on ${values} values`,
    `history: ${faultCount} faults: ${Object.entries(faults)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ')}`,
    `history: ${violations.length} violations, worst observed staleness ${Math.round(worstStalenessMs)} ms`,
  ]
  for (const { guarantee, read, birth, lateMs } of violations.slice(0, 5)) {
    lines.push(
      `history: ${guarantee} broken by ${lateMs.toFixed(1)} ms: ${JSON.stringify(read)} of ${JSON.stringify(birth)}`,
    )
  }
  return lines.join('\n')
}
