// The suite's side of a server.
import type { ChildProcess } from 'node:child_process'
import { endProcess, startProcess } from '../../test/support/processes.js'
import type { ServerSettings, Told } from './messages.js'

export type ServerReport = Extract<Told, { readonly runs: number }>

export class ServerProcess {
  readonly settings: ServerSettings
  readonly port: number
  readonly #child: ChildProcess

  private constructor(settings: ServerSettings, child: ChildProcess, port: number) {
    this.settings = settings
    this.#child = child
    this.port = port
  }

  static async start(
    program: string,
    settings: ServerSettings,
    nodeArgs: readonly string[] = [],
  ): Promise<ServerProcess> {
    const stdio = ['ignore', 'ignore', 'inherit', 'ipc'] as const
    const child = startProcess(process.execPath, [...nodeArgs, program, JSON.stringify(settings)], {
      stdio: [...stdio],
    })
    const { port } = (await told(child)) as { port: number }
    return new ServerProcess(settings, child, port)
  }

  async report(): Promise<ServerReport> {
    const answer = told(this.#child)
    this.#child.send('report')
    return (await answer) as ServerReport
  }

  stop(): Promise<void> {
    return endProcess(this.#child)
  }
}

function told(child: ChildProcess): Promise<Told> {
  return new Promise((resolve, reject) => {
    const onExit = () => reject(new Error('a server ended before it answered'))
    child.once('exit', onExit)
    child.once('message', (answer) => {
      child.off('exit', onExit)
      resolve(answer as Told)
    })
  })
}
