// One direction of a simulated connection: what is sent arrives later, in the order in which it was sent.
import type { Milliseconds } from '../../model/ports.js'
import { queueMicrotask } from '../../model/time/real-timers.js'
import type { MemoryServer } from './memory-server.js'

/** First in, first out, whatever delay each message was sent with. */
export class MemoryLane {
  private readonly cancels = new Set<() => void>()
  private readonly held: (() => void)[] = []
  private isHeld = false
  private lastDueAtMs = Number.NEGATIVE_INFINITY
  private generation = 0

  constructor(private readonly server: MemoryServer) {}

  /** Calls `arrive` after `delayMs`, and after everything passed before; without delay in a microtask, never at once. */
  pass(delayMs: Milliseconds, arrive: () => void): void {
    const generation = this.generation
    const onArrival = (): void => {
      if (generation !== this.generation) return
      if (this.isHeld) this.held.push(arrive)
      else arrive()
    }
    // A timer that is due but has not run yet must not be overtaken, hence the count rather than the time.
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

  /** From now on arrivals wait for `release`: packets vanish into a link that is not closed. */
  hold(): void {
    this.isHeld = true
  }

  /** What waited arrives, in order. */
  release(): void {
    this.isHeld = false
    for (const arrive of this.held.splice(0)) arrive()
  }

  /** Forgets what is under way. */
  drop(): void {
    this.generation++
    this.held.length = 0
    for (const cancel of this.cancels) cancel()
    this.cancels.clear()
  }
}
