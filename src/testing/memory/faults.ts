// Faults of one command on its way to the server of `memory-server.ts` and back.
import { types } from 'node:util'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'

/** What happens to a command. */
export type FaultEffect =
  /** The server replies with an error and does nothing. */
  | { readonly effect: 'refuse'; readonly error?: Error }
  /** The command never arrives. Its promise never settles (as with a client whose link dropped), or is rejected. */
  | { readonly effect: 'loseCommand'; readonly promise?: 'never' | 'rejected' }
  /** The command is executed, and its reply is lost. */
  | { readonly effect: 'loseReply'; readonly promise?: 'never' | 'rejected' }
  /** The command is executed `byMs` late, after commands that were sent later, even if the link was cut or closed in the meantime. */
  | { readonly effect: 'delay'; readonly byMs: Milliseconds }
  /** The command is executed and gets its reply, and it is executed again `byMs` later: a replay by a client or a proxy. */
  | { readonly effect: 'repeat'; readonly byMs: Milliseconds }
  /** The reply contains other bytes than the server has. */
  | { readonly effect: 'corrupt'; readonly change: (bytes: Bytes) => Bytes }
  /** `apply` only: the changes for which `matches` is true fail and are not executed. The others are applied. */
  | { readonly effect: 'failChanges'; readonly matches: (change: Change) => boolean; readonly error?: Error }

/** The commands that an effect is for. */
export interface FaultScope {
  /** Names of port methods such as `'swap'`; of the bus `'join'`, `'listen'`, `'publish'`. Without it, every command. */
  readonly on?: string | readonly string[]
  /** How many commands are affected before the fault is over. By default it stays until it is removed. */
  readonly times?: number
}

/** A fault of a link: which commands it concerns, how often, and what happens to them. */
export type Fault = FaultScope & FaultEffect

/** The faults of one link. */
export class FaultPlan {
  private readonly faults: { readonly fault: Fault; left: number }[] = []

  /** Adds a fault, and returns a function that removes it. If several match a command, the earliest one applies. */
  inject(fault: Fault): () => void {
    const planned = { fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.faults.push(planned)
    return () => this.remove(planned)
  }

  clear(): void {
    this.faults.length = 0
  }

  /** The fault that affects this command. It is counted as used. */
  take(command: string): Fault | undefined {
    const planned = this.faults.find(({ fault }) => hits(fault, command))
    if (planned === undefined) return undefined
    planned.left--
    if (planned.left <= 0) this.remove(planned)
    return planned.fault
  }

  private remove(planned: { readonly fault: Fault; left: number }): void {
    const index = this.faults.indexOf(planned)
    if (index >= 0) this.faults.splice(index, 1)
  }
}

function hits(fault: Fault, command: string): boolean {
  if (fault.on === undefined) return true
  return typeof fault.on === 'string' ? fault.on === command : fault.on.includes(command)
}

/** Applies `change` to the bytes of a reply, which is one value or a list. */
export function changeBytes<T>(answer: T, change: (bytes: Bytes) => Bytes): T {
  if (types.isUint8Array(answer)) return change(answer) as T
  if (Array.isArray(answer)) return answer.map((item) => changeBytes(item, change)) as T
  return answer
}
