// The generator's side of an instance of the demo's API.
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface InstanceSettings {
  readonly redisPort: number
  readonly queryMs: number
  readonly caching: 'on' | 'off'
}

export type Told = { readonly port: number } | { readonly queries: number }

const PROGRAM = fileURLToPath(new URL('instance.ts', import.meta.url))

export class InstanceProcess {
  readonly #child: ChildProcess
  readonly port: number

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(settings: InstanceSettings): Promise<InstanceProcess> {
    const child = fork(PROGRAM, [JSON.stringify(settings)], { execArgv: ['--import', 'tsx'] })
    const { port } = (await told(child)) as { port: number }
    return new InstanceProcess(child, port)
  }

  /** The queries since it was started. */
  async queries(): Promise<number> {
    const answer = told(this.#child)
    this.#child.send('report')
    return ((await answer) as { queries: number }).queries
  }

  /** Lets it close its cache. */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit')
    this.#child.disconnect()
    await ended
  }
}

async function told(child: ChildProcess): Promise<Told> {
  const ended = once(child, 'exit').then(() => Promise.reject(new Error('an instance ended before it answered')))
  ended.catch(() => undefined)
  const [answer] = await Promise.race([once(child, 'message'), ended])
  return answer as Told
}
