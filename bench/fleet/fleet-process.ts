// The bench's side of one process of the fleet.
import type { ChildProcess } from 'node:child_process'
import { endProcess, startProcess } from '../../test/support/processes.js'
import type { FleetAssignment, FleetCommand, FleetReport, Worked } from './messages.js'

const LIMIT_MS = 60_000

export class FleetProcess {
  readonly #child: ChildProcess
  #take: ((report: FleetReport | Error) => void) | undefined

  private constructor(child: ChildProcess) {
    this.#child = child
    child.on('message', (report) => this.#take?.(report as FleetReport))
    child.on('exit', (code, signal) => this.#take?.(new Error(`a process of the fleet ended with ${signal ?? code}`)))
  }

  static async start(program: string, assignment: FleetAssignment): Promise<FleetProcess> {
    const args = [program, JSON.stringify(assignment)]
    const started = new FleetProcess(
      startProcess(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }),
    )
    await started.#next()
    return started
  }

  /** Stores the entries that all processes read. */
  async fill(): Promise<void> {
    await this.#ask({ do: 'fill' })
  }

  work(command: Extract<FleetCommand, { forMs: number }>): Promise<Worked> {
    return this.#ask(command) as Promise<Worked>
  }

  async end(): Promise<void> {
    this.#take = undefined
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    if (this.#child.connected) this.#child.send({ do: 'end' } satisfies FleetCommand)
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, 5_000))])
    await endProcess(this.#child)
  }

  #ask(command: FleetCommand): Promise<FleetReport> {
    const answer = this.#next()
    this.#child.send(command)
    return answer
  }

  #next(): Promise<FleetReport> {
    return new Promise((resolve, reject) => {
      const late = () => reject(new Error(`a process of the fleet did not report within ${LIMIT_MS / 1_000} s`))
      const timer = setTimeout(late, LIMIT_MS)
      this.#take = (report) => {
        clearTimeout(timer)
        if (report instanceof Error) reject(report)
        else if (report.report === 'failed') reject(new Error(report.reason))
        else resolve(report)
      }
    })
  }
}
