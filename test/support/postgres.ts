// A PostgreSQL server for a test: a new data folder, a free loopback port, no durability, since nothing has to survive.

import { type ChildProcess, execFileSync } from 'node:child_process'
import { chownSync, existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { findOrInstall, findProgram } from './install.js'
import { freePort } from './ports.js'
import {
  type Account,
  endProcess,
  hasEnded,
  makeFolder,
  removeFolder,
  startProcess,
  unprivilegedAccount,
} from './processes.js'
import { waitFor } from './wait.js'

const DEBIAN = '/usr/lib/postgresql'

/** The path of the `postgres` program, which has `initdb` and `psql` beside it. It is installed first if possible. */
export function ensurePostgres(): string {
  return findOrInstall('postgres (with initdb)', 'postgresql', () => {
    const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : []
    const folders = versions.map((version) => join(DEBIAN, version, 'bin'))
    for (const folder of [...folders, ...(process.env.PATH ?? '').split(':')]) {
      if (findProgramIn('postgres', folder) && findProgramIn('initdb', folder)) return join(folder, 'postgres')
    }
    return undefined
  })
}

/** Starts a server with `args` (such as `['-c', 'max_connections=50']`) and waits until it accepts connections. */
export async function startPostgres({ args = [] }: { args?: readonly string[] } = {}): Promise<PostgresServer> {
  const program = ensurePostgres()
  const dir = makeFolder('postgres')
  const account = unprivilegedAccount()
  if (account !== undefined) chownSync(dir, account.uid, account.gid)
  const initdb = ['-D', join(dir, 'data'), '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync']
  execFileSync(join(dirname(program), 'initdb'), initdb, { stdio: 'ignore', cwd: dir, ...account })
  let last = ''
  for (let attempt = 0; attempt < 5; attempt++) {
    const server = new PostgresServer(program, await freePort(), dir, account, args)
    last = await server.start()
    if (last === '') return server // Otherwise another program has most likely taken the port in between.
  }
  throw new Error(`postgres did not start: ${last}`)
}

export class PostgresServer {
  readonly host = '127.0.0.1'
  readonly port: number
  readonly url: string
  readonly #program: string
  readonly #dir: string
  readonly #account: Account | undefined
  readonly #args: readonly string[]
  #process: ChildProcess | undefined

  constructor(program: string, port: number, dir: string, account: Account | undefined, args: readonly string[]) {
    this.#program = program
    this.#dir = dir
    this.#account = account
    this.#args = args
    this.port = port
    this.url = `postgres://postgres@127.0.0.1:${port}/postgres`
  }

  get pid(): number {
    const pid = this.#process?.pid
    if (pid === undefined) throw new Error('the server was not started')
    return pid
  }

  /** Returns '' once the server accepts connections, or its output if it ended. */
  async start(): Promise<string> {
    const settings = ['fsync=off', 'synchronous_commit=off', 'full_page_writes=off', 'unix_socket_directories=']
    const args = ['-D', join(this.#dir, 'data'), '-p', String(this.port), '-h', this.host]
    for (const setting of settings) args.push('-c', setting)
    // SIGQUIT ends all its processes at once. With SIGKILL its children would end later.
    const child = startProcess(
      this.#program,
      [...args, ...this.#args],
      { stdio: ['ignore', 'ignore', 'pipe'], cwd: this.#dir, ...this.#account },
      'SIGQUIT',
    )
    this.#process = child
    let log = ''
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      log = (log + text).slice(-20_000)
    })
    await waitFor(`postgres on port ${this.port}`, () => hasEnded(child) || /ready to accept connections/.test(log))
    return hasEnded(child) ? `postgres ended at once: ${log.slice(-500)}` : ''
  }

  /** Runs SQL through psql and returns rows of text columns. For set-up and checks; programs use a client. */
  query(sql: string): string[][] {
    const psql = findProgram(['psql'], [dirname(this.#program)]) ?? 'psql'
    const args = ['-XAtq', '-v', 'ON_ERROR_STOP=1', '-F', '\t', '-d', this.url, '-c', sql]
    const output = execFileSync(psql, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
    return output.split('\n').flatMap((line) => (line === '' ? [] : [line.split('\t')]))
  }

  async stop(): Promise<void> {
    if (this.#process !== undefined) await endProcess(this.#process)
    removeFolder(this.#dir)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }
}

function findProgramIn(name: string, folder: string): boolean {
  return folder !== '' && existsSync(join(folder, name))
}
