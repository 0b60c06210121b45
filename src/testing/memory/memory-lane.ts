// One direction of a simulated connection: messages arrive later, in the order in which they were sent.
import type { Milliseconds } from '../../model/ports.js'
import { queueMicrotask } from '../../model/time/real-timers.js'
import type { MemoryServer } from './memory-server.js'

/** First in, first out, whatever the delay of each message. */
export class MemoryLane {
  private readonly cancels = new Set<() => void>()
  private readonly held: (() => void)[] = []
  private isHeld = false
  private lastDueAtMs = Number.NEGATIVE_INFINITY
  private generation = 0

  constructor(private readonly server: MemoryServer) {}

  /** Calls `arrive` after `delayMs`, and after all earlier messages. Without delay it is called in a microtask, never at once. */
  pass(delayMs: Milliseconds, arrive: () => void): void {
    const generation = this.generation
    const onArrival = (): void => {
      if (generation !== this.generation) return
      if (this.isHeld) this.held.push(arrive)
      else arrive()
    }
    // A timer that is due but has not run yet must not be overtaken, so this counts messages instead of comparing times.
    if (delayMs <= 0 && this.cancels.size === 0) {
      queueMicrotask(onArrival)
      return
    }
    const { clock } = this.server
    const nowMs = clock.nowMs()
    this.lastDueAtMs = Math.max(this.lastDueAtMs, nowMs + delayMs)
    const cancel = clock.after(this.lastDueAtMs - nowMs, () => {
      this.cancels.delete(cancel)
      onArrival()
    })
    this.cancels.add(cancel)
  }

  /** From now on arrivals wait for `release`, like packets on a link that vanished without being closed. */
  hold(): void {
    this.isHeld = true
  }

  /** The waiting messages arrive, in order. */
  release(): void {
    this.isHeld = false
    for (const arrive of this.held.splice(0)) arrive()
  }

  /** Drops all messages in flight. */
  drop(): void {
    this.generation++
    this.held.length = 0
    for (const cancel of this.cancels) cancel()
    this.cancels.clear()
  }
}
