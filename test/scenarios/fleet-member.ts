// Starts a process of a fleet and sends it requests. The process is programs/fleet-member.ts.
import type { Duration } from 'tiercache'
import { type Child, startChild } from '../support/child.js'

export interface MemberSettings {
  /** The ports of the server or of the masters. */
  readonly ports: readonly number[]
  readonly leaseTtl?: Duration
}

export interface MemberRequest {
  readonly id?: number
  readonly do: 'load' | 'set' | 'get' | 'lookup' | 'delete' | 'invalidateTags' | 'clear' | 'wallClock'
  readonly key?: string
  readonly tags?: readonly string[]
  readonly ttl?: Duration
  readonly value?: unknown
  /** How many callers read at once, and how long a load takes. */
  readonly callers?: number
  readonly loadMs?: number
}

export class FleetMember {
  #asked = 0

  private constructor(readonly child: Child) {}

  /** Starts a process and waits until its bus is heard. */
  static async start(settings: MemberSettings, nodeArgs: readonly string[] = []): Promise<FleetMember> {
    const program = new URL('./programs/fleet-member.ts', import.meta.url)
    const child = startChild(program, { args: [JSON.stringify(settings)], nodeArgs })
    await child.next<{ ready?: true }>(({ ready }) => ready === true)
    return new FleetMember(child)
  }

  async ask<T>(request: MemberRequest): Promise<T> {
    const id = ++this.#asked
    this.child.send({ ...request, id })
    return (await this.child.next<{ id?: number; result: T }>((message) => message.id === id)).result
  }

  /** When a load of `key` has begun in this process. */
  async isLoading(key: string): Promise<void> {
    await this.child.next<{ loading?: string }>(({ loading }) => loading === key)
  }

  kill(): Promise<void> {
    return this.child.kill()
  }
}
