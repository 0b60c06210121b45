// A Prometheus server for a test: a free loopback port, a temporary folder, and one job that scrapes often.

import { type ChildProcess, spawnSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findOrInstall, findProgram } from './install.js'
import { freePort } from './ports.js'
import { endProcess, hasEnded, makeFolder, removeFolder, startProcess } from './processes.js'
import { waitFor } from './wait.js'

const ensure = (program: string) => findOrInstall(program, 'prometheus', () => findProgram([program]))

/** Path of `prometheus`. It is installed first if possible, with promtool. */
export const ensurePrometheus = (): string => ensure('prometheus')

/** Runs promtool and returns its exit code, and what it printed. */
export function promtool(...args: string[]): { readonly code: number | null; readonly output: string } {
  const { status, stdout, stderr } = spawnSync(ensure('promtool'), args, { encoding: 'utf8' })
  return { code: status, output: stdout + stderr }
}

export interface PrometheusOptions {
  /** The loopback port whose `/metrics` is scraped. */
  readonly targetPort: number
  /** The text of a file of rules. */
  readonly rules: string
  /** How often it scrapes, and evaluates the rules. */
  readonly everyMs: number
}

/** One series of the result of a query, with its present value. */
export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Alert {
  readonly labels: Readonly<Record<string, string>>
  readonly annotations: Readonly<Record<string, string>>
  readonly state: 'pending' | 'firing'
}

/** Starts a server and waits until it replies. */
export async function startPrometheus(options: PrometheusOptions): Promise<PrometheusServer> {
  const dir = makeFolder('prometheus')
  writeFileSync(join(dir, 'rules.yml'), options.rules)
  writeFileSync(join(dir, 'prometheus.yml'), configOf(options))
  const server = new PrometheusServer(ensurePrometheus(), await freePort(), dir)
  await server.start()
  return server
}

function configOf({ targetPort, everyMs }: PrometheusOptions): string {
  return JSON.stringify({
    global: { scrape_interval: `${everyMs}ms`, scrape_timeout: `${everyMs}ms`, evaluation_interval: `${everyMs}ms` },
    rule_files: ['rules.yml'],
    scrape_configs: [{ job_name: 'shop', static_configs: [{ targets: [`127.0.0.1:${targetPort}`] }] }],
  }) // YAML includes JSON.
}

export class PrometheusServer {
  readonly #program: string
  readonly #port: number
  readonly #dir: string
  #process: ChildProcess | undefined

  constructor(program: string, port: number, dir: string) {
    this.#program = program
    this.#port = port
    this.#dir = dir
  }

  async start(): Promise<void> {
    const data = join(this.#dir, 'data')
    mkdirSync(data)
    const args = ['--config.file', 'prometheus.yml', '--storage.tsdb.path', data, '--log.level', 'warn']
    const child = startProcess(this.#program, [...args, '--web.listen-address', `127.0.0.1:${this.#port}`], {
      cwd: this.#dir,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    this.#process = child
    let log = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-20_000)
    })
    await waitFor('prometheus', async () => hasEnded(child) || (await fetch(`${this.#url}/-/ready`)).ok)
    if (hasEnded(child)) throw new Error(`prometheus ended at once: ${log}`)
  }

  /** The series that an instant query returns. */
  async query(expr: string): Promise<readonly Sample[]> {
    const { result } = await this.#get<{ result: { metric: Sample['labels']; value: [number, string] }[] }>(
      `query?query=${encodeURIComponent(expr)}`,
    )
    return result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
  }

  /** The alerts that are pending or firing now. */
  async alerts(): Promise<readonly Alert[]> {
    return (await this.#get<{ alerts: Alert[] }>('alerts')).alerts
  }

  /** The names of all alerts of the rules. */
  async alertNames(): Promise<readonly string[]> {
    const { groups } = await this.#get<{ groups: { rules: { name: string }[] }[] }>('rules?type=alert')
    return groups.flatMap(({ rules }) => rules.map(({ name }) => name))
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process)
    removeFolder(this.#dir)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  get #url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(`${this.#url}/api/v1/${path}`)
    const { data, error } = (await response.json()) as { data: T; error?: string }
    if (error !== undefined) throw new Error(`prometheus: ${error} (${path})`)
    return data
  }
}
