// What can go wrong with one command on its way to the server of `memory-server.ts` and back.
import { types } from 'node:util'
import type { Bytes, Change, Milliseconds } from '../../model/ports.js'

/** What happens to a command. */
export type FaultEffect =
  /** The server answers an error and does nothing. */
  | { readonly effect: 'refuse'; readonly error?: Error }
  /** The command never arrives. Its promise never settles (as with a client whose link dropped), or is rejected. */
  | { readonly effect: 'loseCommand'; readonly promise?: 'never' | 'rejected' }
  /** The command is executed and the answer is lost. */
  | { readonly effect: 'loseReply'; readonly promise?: 'never' | 'rejected' }
  /** The command is executed `byMs` late, past commands sent after it, also when the link was cut or closed meanwhile. */
  | { readonly effect: 'delay'; readonly byMs: Milliseconds }
  /** The command is executed and answered, and executed once more `byMs` later: a replay by a client or a proxy. */
  | { readonly effect: 'repeat'; readonly byMs: Milliseconds }
  /** The answer holds other bytes than the server has. */
  | { readonly effect: 'corrupt'; readonly change: (bytes: Bytes) => Bytes }
  /** `apply` only: the changes that `matches` picks are not executed and answer an error, the others go on. */
  | { readonly effect: 'failChanges'; readonly matches: (change: Change) => boolean; readonly error?: Error }

/** Which commands an effect is for. */
export interface FaultScope {
  /** Names of port methods such as `'swap'`; of the bus `'join'`, `'listen'`, `'publish'`. Every command without it. */
  readonly on?: string | readonly string[]
  /** How many commands are hit before the fault is over; by default it stays until it is removed. */
  readonly times?: number
}

export type Fault = FaultScope & FaultEffect

/** The faults of one link. */
export class FaultPlan {
  private readonly faults: { readonly fault: Fault; left: number }[] = []

  /** Adds a fault and answers what removes it. Where several match a command, the earliest is taken. */
  inject(fault: Fault): () => void {
    const planned = { fault, left: fault.times ?? Number.POSITIVE_INFINITY }
    this.faults.push(planned)
    return () => this.remove(planned)
  }

  clear(): void {
    this.faults.length = 0
  }

  /** The fault that hits this command, now counted as used. */
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

/** Applies `change` to the bytes of an answer, whether it is one value or a list of them. */
export function changeBytes<T>(answer: T, change: (bytes: Bytes) => Bytes): T {
  if (types.isUint8Array(answer)) return change(answer) as T
  if (Array.isArray(answer)) return answer.map((item) => changeBytes(item, change)) as T
  return answer
}
