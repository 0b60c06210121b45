// A Redis (or Valkey) server for a test: a free loopback port, a temporary folder, nothing written to disk unless requested.

import { type ChildProcess, execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { findOrInstall, findProgram } from './install.js'
import { freePort } from './ports.js'
import { endProcess, hasEnded, makeFolder, removeFolder, startProcess } from './processes.js'
import { command, type Reply } from './resp.js'
import { waitFor } from './wait.js'

export interface RedisOptions {
  /** Further server arguments, such as `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[]
  readonly port?: number
  /** Sets `requirepass`. `command()` and `url` use it. */
  readonly password?: string
  /** The folder of the server; by default a temporary one that `stop()` removes. */
  readonly dir?: string
  /** A configuration file (relative to `dir`) that the server reads, and that a sentinel rewrites. */
  readonly configFile?: string
  readonly mode?: 'server' | 'sentinel' | 'cluster'
}

/** The data of a restarted server: all, none, or those of the last `save()`. */
export type RestartData = 'kept' | 'empty' | 'old'

/** The path of redis-server or valkey-server, which is installed first if possible. */
export function ensureRedisServer(): string {
  return findOrInstall('redis-server or valkey-server', 'redis-server', () =>
    findProgram(['redis-server', 'valkey-server']),
  )
}

/** Fails if the server is older than the SDK needs (`SET … NX GET` came with Redis 7). */
export function checkVersion(program: string): void {
  const version = execFileSync(program, ['--version'], { encoding: 'utf8' })
  const major = Number(/v=(\d+)\./.exec(version)?.[1])
  if (!(major >= 7)) throw new Error(`these tests need Redis 7 or later; ${program} is ${version.trim()}`)
}

/** Starts a server and waits until it replies. */
export async function startRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const program = ensureRedisServer()
  const dir = options.dir ?? makeFolder('redis')
  let last: unknown
  for (let attempt = 0; attempt < 5; attempt++) {
    const port = options.port ?? (await freePort(options.mode === 'cluster' ? 'withBusPort' : 'port'))
    const server = new RedisServer(program, port, dir, options)
    try {
      await server.start()
      return server
    } catch (error) {
      await server.kill()
      last = error // Most likely another program has taken the port in between.
    }
  }
  throw new Error(`redis-server did not start: ${last instanceof Error ? last.message : String(last)}`, { cause: last })
}

export class RedisServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly dir: string
  readonly url: string
  readonly #program: string
  readonly #options: RedisOptions
  #process: ChildProcess | undefined

  constructor(program: string, port: number, dir: string, options: RedisOptions) {
    this.#program = program
    this.#options = options
    this.port = port
    this.dir = dir
    this.url = `redis://${options.password === undefined ? '' : `:${options.password}@`}127.0.0.1:${port}`
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the server was not started')
    return pid
  }

  /** Starts the process; tests call it only after `kill()`. Resolves when the server replies, even if it is still loading. */
  async start(): Promise<void> {
    const child = startProcess(this.#program, this.#arguments(), { stdio: 'ignore', cwd: this.dir })
    this.#process = child
    await waitFor(`redis-server on port ${this.port}`, () => hasEnded(child) || this.#answers(child), { everyMs: 5 })
    if (hasEnded(child)) throw new Error(`redis-server ended at once: ${this.log().slice(-500)}`)
  }

  /** Sends one command on a separate connection and returns the reply, bulk replies as strings. */
  command(...args: (string | number | Uint8Array)[]): Promise<Reply> {
    return command(this.port, args, { password: this.#options.password })
  }

  /** The fields of INFO, of one section or of all. */
  async info(section = 'everything'): Promise<Record<string, string>> {
    const text = String(await this.command('INFO', section))
    const pairs = text.split('\r\n').flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    })
    return Object.fromEntries(pairs)
  }

  /** How often each command was called while `run` ran, by the statistics of the server. Our own calls are left out. */
  async countCommands(run: () => unknown): Promise<Record<string, number>> {
    await this.command('CONFIG', 'RESETSTAT')
    await run()
    const counts: Record<string, number> = {}
    for (const [field, text] of Object.entries(await this.info('commandstats'))) {
      const name = field.replace('cmdstat_', '')
      const calls = Number(/calls=(\d+)/.exec(text)?.[1] ?? 0)
      if (calls > 0 && !OUR_OWN.has(name)) counts[name] = calls
    }
    return counts
  }

  /** Writes a snapshot that `restart('old')` restores. */
  async save(): Promise<void> {
    await this.command('SAVE')
  }

  /** Ends the process at once (SIGKILL), like a crash. `restart()` or `start()` starts it again on the same port. */
  async kill(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process)
  }

  /** Kills the server and starts it again on the same port. The connections of the caller are lost in any case. */
  async restart(data: RestartData = 'empty'): Promise<void> {
    if (data === 'kept') await this.save()
    await this.kill()
    if (data === 'empty') rmSync(join(this.dir, 'dump.rdb'), { force: true })
    await this.start()
  }

  /** Stops the process (SIGSTOP): connections stay open, and there are no replies. */
  pause(): void {
    process.kill(this.pid, 'SIGSTOP')
  }

  resume(): void {
    process.kill(this.pid, 'SIGCONT')
  }

  /** Ends the server for good and removes its folder. It may be called twice. */
  async stop(): Promise<void> {
    await this.kill()
    if (this.#options.dir === undefined) removeFolder(this.dir)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  /** The log of the server. */
  log(): string {
    try {
      return readFileSync(join(this.dir, `${this.port}.log`), 'utf8')
    } catch {
      return ''
    }
  }

  #arguments(): string[] {
    const { args = [], configFile, mode = 'server', password } = this.#options
    const own = ['--port', String(this.port), '--bind', this.host, '--dir', this.dir, '--logfile', `${this.port}.log`]
    const storage =
      mode === 'sentinel' ? ['--sentinel'] : ['--save', '', '--appendonly', 'no', '--enable-debug-command', 'yes']
    const cluster = mode === 'cluster' ? ['--cluster-enabled', 'yes', '--cluster-config-file', 'nodes.conf'] : []
    const secret = password === undefined ? [] : ['--requirepass', password, '--masterauth', password]
    return [...(configFile === undefined ? [] : [configFile]), ...own, ...storage, ...cluster, ...secret, ...args]
  }

  /** True once *our* process replies: another server could have the port while ours fails to bind it. */
  async #answers(child: ChildProcess): Promise<boolean> {
    try {
      return (await this.info('server')).process_id === String(child.pid)
    } catch (error) {
      // A server that is loading data or refuses its clients is up as well.
      return error instanceof Error && /^(LOADING|NOAUTH|NOPERM|MASTERDOWN)/.test(error.message)
    }
  }
}

const OUR_OWN = new Set(['auth', 'config|resetstat', 'info', 'ping'])
