// Runs a TypeScript program of the tests as a separate process, with a channel of JSON messages, so that it can really be killed.

import type { ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endProcess, hasEnded, startProcess } from './processes.js'

export interface ChildOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Further arguments of node, such as `['--expose-gc']`. */
  readonly nodeArgs?: readonly string[]
}

export interface ChildExit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The environment variable that names the folder of the bundled programs (`setup-programs.ts`). */
export const BUNDLES = 'TIERCACHE_TEST_PROGRAMS'

/**
 * Starts `file` (a URL such as `new URL('./programs/reader.ts', import.meta.url)`, or a path): its bundle, or with tsx if there
 * is none. The program sends messages through `channel.ts`. Unhandled rejections end it.
 */
export function startChild(file: URL | string, options: ChildOptions = {}): Child {
  const path = file instanceof URL ? fileURLToPath(file) : file
  const bundle = bundleOf(path)
  const program = bundle === undefined ? ['--import', import.meta.resolve('tsx'), path] : [bundle]
  const nodeArgs = ['--unhandled-rejections=strict', ...(options.nodeArgs ?? [])]
  const child = startProcess(process.execPath, [...nodeArgs, ...program, ...(options.args ?? [])], {
    cwd: ROOT,
    env: { ...process.env, NODE_OPTIONS: '', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  return new Child(child)
}

function bundleOf(path: string): string | undefined {
  const folder = process.env[BUNDLES]
  if (folder === undefined) return undefined
  const bundle = join(folder, relative(ROOT, path).replace(/\.ts$/, '.mjs'))
  return existsSync(bundle) ? bundle : undefined
}

export class Child {
  /** Every message that has arrived and that no `next()` has taken yet, oldest first. */
  readonly messages: unknown[] = []
  /** Resolves when the program is gone and everything that it sent and printed has arrived. */
  readonly exit: Promise<ChildExit>
  stdout = ''
  stderr = ''
  readonly #process: ChildProcess
  #waiting: (() => void)[] = []

  constructor(child: ChildProcess) {
    this.#process = child
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    child.on('message', (message) => {
      this.messages.push(message)
      this.#wake()
    })
    this.exit = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        resolve({ code, signal })
        this.#wake()
      })
    })
  }

  get pid(): number {
    if (this.#process.pid === undefined) throw new Error('the child process could not be started')
    return this.#process.pid
  }

  get running(): boolean {
    return !hasEnded(this.#process)
  }

  /** Sends a message to the program's `onMessage`. */
  send(message: object): void {
    this.#process.send(message)
  }

  /** Takes the next message for which `matches` is true. Rejects if the program ends without one, or after `limitMs` (a hang). */
  async next<T = unknown>(matches: (message: T) => boolean = () => true, limitMs = 30_000): Promise<T> {
    const giveUpAtMs = performance.now() + limitMs
    for (;;) {
      const at = this.messages.findIndex((message) => matches(message as T))
      if (at >= 0) return this.messages.splice(at, 1)[0] as T
      if (!this.running && this.#process.channel == null)
        throw new Error(`the child process ended early: ${this.stderr}`)
      const leftMs = giveUpAtMs - performance.now()
      if (leftMs <= 0) throw new Error(`no such message from the child process in ${limitMs} ms; ${this.stderr}`)
      await this.#change(leftMs)
    }
  }

  /** Sends a signal. By default the process ends at once, without any clean-up. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (signal === 'SIGKILL') return endProcess(this.#process)
    this.#process.kill(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill()
  }

  #change(limitMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, limitMs)
      this.#waiting.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }

  #wake(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resume of waiting) resume()
  }
}
