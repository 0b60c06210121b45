// The runner's side of a server of the scenarios.
import type { ChildProcess } from 'node:child_process'
import { endProcess, startProcess } from '../../test/support/processes.js'
import type { Order, ServerOptions, Told } from './messages.js'

const LIMIT_MS = 20_000

export type Report = Extract<Told, { told: 'report' }>

export class ServerProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  static async start(program: string, options: ServerOptions): Promise<ServerProcess> {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    const child = startProcess(process.execPath, [program, JSON.stringify(options)], { stdio: [...stdio] })
    const told = await next(child, 'listening')
    return new ServerProcess(child, told.port)
  }

  async report(): Promise<Report> {
    const told = next(this.child, 'report')
    this.#order({ do: 'report' })
    return told
  }

  storm(perSecond: number): void {
    this.#order({ do: 'storm', perSecond })
  }

  stop(): Promise<void> {
    return endProcess(this.child)
  }

  #order(order: Order): void {
    this.child.send(order)
  }
}

function next<Kind extends Told['told']>(child: ChildProcess, kind: Kind): Promise<Extract<Told, { told: Kind }>> {
  return new Promise((resolve, reject) => {
    const end = (error: Error | undefined, told?: Told) => {
      clearTimeout(timer)
      child.off('message', onMessage)
      child.off('exit', onExit)
      if (error === undefined) resolve(told as Extract<Told, { told: Kind }>)
      else reject(error)
    }
    const onMessage = (told: Told) => {
      if (told.told === kind) end(undefined, told)
    }
    const onExit = () => end(new Error('the server of the scenario ended'))
    const timer = setTimeout(() => end(new Error(`the server did not answer within ${LIMIT_MS} ms`)), LIMIT_MS)
    child.on('message', onMessage as (message: unknown) => void)
    child.on('exit', onExit)
  })
}
