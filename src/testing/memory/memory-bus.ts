// The bus of a `MemoryServer`. It reads the log of announcements in a loop of blocking reads, as the bus on a Redis stream does.

import type { Bus, BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import { systemClock } from '../../model/time/clock.js'
import { MemoryCommands } from './memory-commands.js'
import { MemoryLink } from './memory-link.js'
import type { MemoryServer } from './memory-server.js'

/** How long the server waits for news before it replies to a read of the log. The bus is heard about this often. */
const DEFAULT_BLOCK_MS = 1_000
/** The pause before a failed read is repeated while the link is up. */
const RETRY_MS = 100

interface Heard {
  readonly position: string
  readonly announcements: readonly Bytes[]
}

/** The connection of a bus. In addition to the faults of every link, announcements can be lost or reordered. */
export class MemoryBusLink extends MemoryLink {
  private toLose = 0
  private toReorder = 0

  /** The next `count` announcements do not arrive; `lost` is reported in their place. */
  lose(count: number): void {
    this.toLose += count
  }

  /** The next announcements that arrive together (at least two) arrive in reverse order. No bus may do that: it is for tests of tests. */
  reorder(batches = 1): void {
    this.toReorder += batches
  }

  /** Internal: the rest of a batch, and how many announcements were lost. */
  disturb(announcements: readonly Bytes[]): { readonly kept: readonly Bytes[]; readonly lostCount: number } {
    const lostCount = Math.min(this.toLose, announcements.length)
    this.toLose -= lostCount
    const kept = announcements.slice(lostCount)
    if (this.toReorder === 0 || kept.length < 2) return { kept, lostCount }
    this.toReorder--
    return { kept: kept.reverse(), lostCount }
  }
}

/** Delivers what was announced with `MemoryStore.apply`. Resumes at its last position, or reports that it was lost. */
export class MemoryBus implements Bus {
  readonly announces = 'store'
  private readonly ended = new AbortController()
  private reading: AbortController | undefined
  private commands: MemoryCommands | undefined
  private events: BusEvents | undefined
  private clock: Clock = systemClock
  private current: string | undefined
  /** Why the position in the log was lost. It is reported once there is a new one, since what is announced until then is missed as well. */
  private lostBecause: string | undefined
  private knownRunId: string | undefined
  private unwatch: (() => void) | undefined
  private cancelRetry: (() => void) | undefined

  constructor(
    private readonly server: MemoryServer,
    private readonly link: MemoryBusLink,
    private readonly blockMs: Milliseconds = DEFAULT_BLOCK_MS,
  ) {}

  position(): string | undefined {
    return this.current
  }

  start(channel: string, events: BusEvents, clock: Clock): void {
    this.commands = new MemoryCommands(this.server, channel)
    this.events = events
    this.clock = clock
    this.unwatch = this.link.watch({ up: () => this.listen(), down: () => this.interrupted() })
    if (this.link.isUp) this.listen()
  }

  async publish(bytes: Bytes): Promise<void> {
    const commands = this.commands
    if (commands === undefined) throw new Error('a bus is started before it publishes')
    await this.link.send(this, 'publish', () => commands.apply([], bytes))
  }

  async close(): Promise<void> {
    this.ended.abort()
    this.reading?.abort()
    this.unwatch?.()
    this.cancelRetry?.()
    this.link.abandon(this)
  }

  /** Reads until the link goes down. When the link comes up, another loop starts. */
  private listen(): void {
    this.reading?.abort()
    const reading = new AbortController()
    this.reading = reading
    void this.read(reading.signal).catch(() => {
      // The link went down (then `up` starts another loop), or the server refused: the bus is not heard until a later read succeeds.
      if (reading.signal.aborted || !this.link.isUp) return
      this.cancelRetry = this.clock.after(RETRY_MS, () => this.listen())
    })
  }

  private async read(signal: AbortSignal): Promise<void> {
    const commands = this.commands!
    if (this.current !== undefined && this.knownRunId !== this.server.runId) this.forget('the server is another one')
    this.knownRunId = this.server.runId
    while (!signal.aborted) {
      const sentAtMs = this.clock.nowMs()
      if (this.current === undefined) {
        this.current = await this.link.send(this, 'join', () => commands.join())
        if (this.lostBecause !== undefined) this.events?.lost(this.lostBecause)
        this.lostBecause = undefined
        if (!signal.aborted) this.events?.heard(sentAtMs)
        continue
      }
      const from = this.current
      const heard = await this.link.send(this, 'listen', () => this.wait(commands, from, signal))
      if (signal.aborted) return
      if (heard === undefined) this.forget('the log does not reach back to the last announcement heard')
      else this.deliver(heard, sentAtMs)
    }
  }

  private deliver(heard: Heard, sentAtMs: number): void {
    const { kept, lostCount } = this.link.disturb(heard.announcements)
    this.current = heard.position
    if (lostCount > 0) this.events?.lost(`${lostCount} announcements were lost on purpose`)
    for (const bytes of kept) this.events?.message(bytes)
    this.events?.heard(sentAtMs)
  }

  private forget(reason: string): void {
    this.current = undefined
    this.lostBecause = reason
  }

  /** When the link is back, it turns out whether the position can still be used. Until then the bus is not heard. */
  private interrupted(): void {
    this.reading?.abort()
    this.cancelRetry?.()
  }

  /** Runs at the server: replies at once if there is news, otherwise as soon as there is, or after `blockMs`. */
  private wait(commands: MemoryCommands, position: string, signal: AbortSignal): Promise<Heard | undefined> {
    return new Promise((resolve, reject) => {
      const ends: (() => void)[] = []
      const end = (): void => {
        for (const each of ends) each()
      }
      const look = (whenQuiet: 'wait' | 'answer'): void => {
        try {
          const heard = commands.announcedAfter(position)
          if (whenQuiet === 'wait' && heard?.announcements.length === 0) return
          end()
          resolve(heard)
        } catch (error) {
          end()
          reject(error)
        }
      }
      ends.push(this.server.onAppend(() => look('wait')))
      ends.push(this.server.clock.after(this.blockMs, () => look('answer')))
      signal.addEventListener('abort', end, { once: true })
      ends.push(() => signal.removeEventListener('abort', end))
      look('wait')
    })
  }
}
