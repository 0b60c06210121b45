// The suite's side of a worker, which is a process that measures one library.
import type { ChildProcess } from 'node:child_process'
import { endProcess, startProcess } from '../../test/support/processes.js'
import type { Assignment, Command, Report } from '../worker/messages.js'

const READY_LIMIT_MS = 90_000
const SLICE_LIMIT_MS = 60_000

export type SliceReport = Extract<Report, { report: 'slice' }>
export type RushReport = Extract<Report, { report: 'rush' }>

export interface ProcessOptions {
  readonly program: string
  /** Arguments of Node, such as `--cpu-prof`. */
  readonly nodeArgs?: readonly string[]
}

export class LibraryProcess {
  readonly #child: ChildProcess
  readonly #peer: string
  #take: ((report: Report | Error) => void) | undefined

  private constructor(child: ChildProcess, peer: string) {
    this.#child = child
    this.#peer = peer
    child.on('message', (report) => this.#take?.(report as Report))
    child.on('exit', (code, signal) => this.#take?.(new Error(`${peer} ended with ${signal ?? code}`)))
  }

  /** Resolves when the library is open, filled and checked. Rejects with what failed. */
  static async start(assignment: Assignment, { program, nodeArgs = [] }: ProcessOptions): Promise<LibraryProcess> {
    const args = ['--expose-gc', '--max-old-space-size=6144', ...nodeArgs, program, JSON.stringify(assignment)]
    const child = startProcess(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    const library = new LibraryProcess(child, assignment.peer)
    try {
      await library.#next('ready', READY_LIMIT_MS)
      return library
    } catch (error) {
      await library.kill()
      throw error
    }
  }

  slice(budgetMs: number): Promise<SliceReport> {
    return this.#ask({ do: 'slice', budgetMs }, 'slice') as Promise<SliceReport>
  }

  rush(key: string, atEpochMs: number, callers: number): Promise<RushReport> {
    return this.#ask({ do: 'rush', key, atEpochMs, callers }, 'rush') as Promise<RushReport>
  }

  /** Lets the process end by itself, so that Node can write its profile. */
  async end(): Promise<void> {
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#take = undefined
    this.#child.send({ do: 'end' } satisfies Command)
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 10_000))])
    await this.kill()
  }

  async kill(): Promise<void> {
    this.#take = undefined
    await endProcess(this.#child)
  }

  #ask(command: Command, expected: Report['report']): Promise<Report> {
    const answer = this.#next(expected, SLICE_LIMIT_MS)
    this.#child.send(command)
    return answer
  }

  #next(expected: Report['report'], limitMs: number): Promise<Report> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`${this.#peer} did not answer within ${limitMs / 1_000} s`)),
        limitMs,
      )
      this.#take = (report) => {
        clearTimeout(timer)
        if (report instanceof Error) reject(report)
        else if (report.report === 'failed') reject(new Error(report.reason))
        else if (report.report === expected) resolve(report)
        else reject(new Error(`expected ${expected}; got ${report.report}`))
      }
    })
  }
}
