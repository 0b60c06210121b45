// A lower bound of a server's clock. It dates commands, so that the server can tell whether a key was changed after the sending.
import type { AtMs } from '../../model/entry.js'
import type { Clock } from '../../model/ports.js'
import { LATEST_MS } from './scripts.js'
import type { TimeSample } from './server-check.js'

/** Microseconds of the server's clock in 16 digits, as the scripts write them. Moments are compared as strings. */
export type Moment = string

/** When a command is sent, by the server's clock. */
export interface Sending {
  /** The server's clock shows this or more at the sending. */
  readonly sentAt: Moment
  /** The server does not execute the command after this moment. */
  readonly lateAt: Moment
}

/** How fast two clocks may drift apart at most, as a fraction of the time that passes. */
const MAX_DRIFT = 0.001
const DIGITS = 16

/**
 * Invariant: `sentAt` is never later than the server's clock at that instant, as long as that clock is not set back. A bound that is
 * too low costs a round trip if the key was just changed, or after hours without a reply. A bound that is too high would allow a command
 * that is executed again to undo a later change.
 */
export class ServerTime {
  #serverUs = 0
  #heardAtMs: AtMs = 0

  constructor(private readonly clock: Clock) {}

  /** A reply said that the server's clock showed `moment`. */
  heard(moment: Moment): void {
    this.#learn(Number(moment), this.clock.nowMs())
  }

  learn({ serverMs, receivedAtMs }: TimeSample): void {
    this.#learn(Math.floor(serverMs * 1_000), receivedAtMs)
  }

  /** For a command that is sent now. While nothing is known of the server's clock, the command comes too late, and its reply brings the time. */
  sending(): Sending {
    if (this.#serverUs === 0) return { sentAt: '', lateAt: '' }
    const nowUs = this.#atLeastUs(this.clock.nowMs())
    return { sentAt: momentOf(nowUs), lateAt: momentOf(nowUs + LATEST_MS * 1_000) }
  }

  #learn(serverUs: number, heardAtMs: AtMs): void {
    if (!Number.isFinite(serverUs)) return
    this.#serverUs = serverUs
    this.#heardAtMs = heardAtMs
  }

  #atLeastUs(nowMs: AtMs): number {
    return Math.floor(this.#serverUs + (nowMs - this.#heardAtMs) * (1 - MAX_DRIFT) * 1_000)
  }
}

function momentOf(us: number): Moment {
  return String(us).padStart(DIGITS, '0')
}
