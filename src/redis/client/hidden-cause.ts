// Clients of clusters and of sentinels open connections of their own, and report only that these were closed. This finds the cause, once
// per outage: it connects to the addresses and hangs up.
import { connect } from 'node:net'
import type { Milliseconds } from '../../model/ports.js'
import { textOf } from './client-errors.js'

export interface Address {
  readonly host?: string | undefined
  readonly port?: number | undefined
}

/** The first few of many nodes are enough. */
const MAX_ADDRESSES = 3
const LIMIT_MS: Milliseconds = 1_000

/** Finds the cause of the errors of one client. */
export class HiddenCause {
  #isLooking = false
  #hasLooked = false

  /** `found` gets the client's error, with the system's error as its `cause` if there is one. */
  constructor(
    private readonly addresses: () => readonly Address[],
    private readonly found: (error: unknown) => void,
  ) {}

  /** While it is looking, the outage is not reported yet. */
  get isLooking(): boolean {
    return this.#isLooking
  }

  /** Looks for the cause of `error`, if the client hides it. Returns whether it does. */
  look(error: unknown): boolean {
    if (this.#hasLooked || !/Connection is closed/.test(textOf(error))) return false
    this.#isLooking = true
    this.#hasLooked = true
    const asked = this.addresses().slice(0, MAX_ADDRESSES).map(refusalOf)
    void Promise.all(asked).then((refusals) => {
      this.#isLooking = false
      const refusal = refusals.find((each) => each !== undefined)
      this.found(refusal === undefined ? error : new Error(textOf(error), { cause: refusal }))
    })
    return true
  }

  /** The outage is over: the next one may have another cause. */
  over(): void {
    this.#hasLooked = false
  }
}

/** Why no connection can be made; `undefined` if one can be made, or if nothing is known within the limit. */
function refusalOf({ host = 'localhost', port = 6379 }: Address): Promise<Error | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: LIMIT_MS })
    const end = (refusal?: Error): void => {
      socket.destroy()
      resolve(refusal)
    }
    socket.unref()
    socket.once('error', end)
    socket.once('connect', () => end())
    socket.once('timeout', () => end())
  })
}
