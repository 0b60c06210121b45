// A simulated connection between one process and a `MemoryServer`: latency, faults, cuts.
import { CacheError } from '../../model/errors.js'
import type { Milliseconds } from '../../model/ports.js'
import { changeBytes, type Fault, FaultPlan } from './faults.js'
import { MemoryLane } from './memory-lane.js'
import type { MemoryServer } from './memory-server.js'

/** Is called when commands can be sent, and when they no longer can. */
export interface LinkWatcher {
  up(): void
  down(reason: Error): void
}

interface Pending {
  readonly owner: object
  reject(error: Error): void
}

/** Executes a command at the server. It gets the fault that affects the command, if there is one. */
type Execute<T> = (fault: Fault | undefined) => T | Promise<T>

/**
 * Carries the commands of one process in order, as TCP does. Without latency a command is executed in a microtask after it was
 * sent, and its reply takes another one. So no reply comes within the call.
 */
export class MemoryLink {
  /** How long a command takes to arrive. */
  requestMs: Milliseconds = 0
  /** How long its reply takes. */
  replyMs: Milliseconds = 0

  private readonly faults = new FaultPlan()
  private readonly recorders = new Set<(() => unknown)[]>()
  private readonly requests: MemoryLane
  private readonly replies: MemoryLane
  private readonly pending = new Set<Pending>()
  private readonly watchers = new Set<LinkWatcher>()
  private readonly counts = new Map<string, number>()
  private isCut = false
  private wasUp = true

  constructor(protected readonly server: MemoryServer) {
    this.requests = new MemoryLane(server)
    this.replies = new MemoryLane(server)
    server.attach(this)
    this.wasUp = this.isUp
  }

  /** Whether a command can be sent now. */
  get isUp(): boolean {
    return !this.isCut && this.server.isRunning
  }

  /** Makes commands fail in the given way, and returns a function that ends it. */
  inject(fault: Fault): () => void {
    return this.faults.inject(fault)
  }

  clearFaults(): void {
    this.faults.clear()
  }

  /** How many commands were sent, of one name or in all. One call of the port is one command, whatever its arguments. */
  count(command?: string): number {
    if (command !== undefined) return this.counts.get(command) ?? 0
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0)
  }

  resetCounts(): void {
    this.counts.clear()
  }

  /** Nothing passes until `resume`, without an error: a half-open link, or a server that hangs. Then everything arrives late. */
  stall(direction: 'both' | 'requests' | 'replies' = 'both'): void {
    if (direction !== 'replies') this.requests.hold()
    if (direction !== 'requests') this.replies.hold()
  }

  resume(): void {
    this.requests.release()
    this.replies.release()
  }

  /**
   * Breaks the link. Commands that have not arrived are not executed, and replies in flight are lost. Their promises are rejected or,
   * as with some clients, never settle.
   */
  cut(inFlight: 'rejected' | 'never' = 'rejected'): void {
    this.isCut = true
    this.refresh(inFlight)
  }

  restore(): void {
    this.isCut = false
    this.refresh('rejected')
  }

  /** The server calls it when it stops or starts. */
  refresh(inFlight: 'rejected' | 'never'): void {
    if (this.wasUp === this.isUp) return
    this.wasUp = this.isUp
    if (this.isUp) {
      for (const watcher of [...this.watchers]) watcher.up()
      return
    }
    const reason = unavailable('the link to the memory server is cut')
    this.requests.drop()
    this.replies.drop()
    for (const command of this.pending) if (inFlight === 'rejected') command.reject(reason)
    this.pending.clear()
    for (const watcher of [...this.watchers]) watcher.down(reason)
  }

  watch(watcher: LinkWatcher): () => void {
    this.watchers.add(watcher)
    return () => void this.watchers.delete(watcher)
  }

  /** Rejects all promises that `owner` waits for. The commands that it sent are executed all the same. */
  abandon(owner: object): void {
    for (const command of this.pending) {
      if (command.owner !== owner) continue
      this.pending.delete(command)
      command.reject(unavailable('the memory store was closed'))
    }
  }

  /** Calls `work`, and returns a function that executes again every command that this link carried meanwhile. */
  async recordCommands(work: () => Promise<unknown>): Promise<() => Promise<void>> {
    const recorded: (() => unknown)[] = []
    this.recorders.add(recorded)
    await work()
    this.recorders.delete(recorded)
    return async () => {
      for (const run of recorded) await this.server.execute(async () => run())
    }
  }

  /** Sends a command of `owner`. While the link is down it rejects at once and sends nothing. */
  send<T>(owner: object, command: string, execute: Execute<T>): Promise<T> {
    if (!this.isUp) return Promise.reject(unavailable('the link to the memory server is down'))
    this.counts.set(command, this.count(command) + 1)
    const fault = this.faults.take(command)
    for (const recorded of this.recorders) recorded.push(() => execute(undefined))
    return new Promise<T>((resolve, reject) => {
      const pending: Pending = { owner, reject }
      this.pending.add(pending)
      const answer = (settle: () => void): void => {
        if (!this.pending.has(pending)) return // Abandoned, or the link was cut.
        this.replies.pass(this.replyMs, () => {
          if (this.pending.delete(pending)) settle()
        })
      }
      this.transit(fault, execute).then(
        (value) => answer(() => resolve(value)),
        (error) => answer(() => reject(error)),
      )
    })
  }

  /** The way of a command to the server and back. Never settles if the command or its reply is lost without a trace. */
  private async transit<T>(fault: Fault | undefined, execute: Execute<T>): Promise<T> {
    const run = (): Promise<T> => this.server.execute(async () => execute(fault))
    switch (fault?.effect) {
      case 'refuse':
        await this.arrival()
        throw fault.error ?? unavailable('the memory server refuses this command')
      case 'loseCommand':
        await this.arrival()
        return lost(fault.promise)
      case 'loseReply':
        await this.arrival()
        await run().catch(() => {}) // Its failure is lost like its reply.
        return lost(fault.promise)
      case 'delay':
        await this.detour(fault.byMs)
        return run()
      case 'repeat':
        this.detour(fault.byMs)
          .then(run)
          .catch(() => {}) // No caller waits for a replay.
        break
      case 'corrupt':
        await this.arrival()
        return changeBytes(await run(), fault.change)
      case 'failChanges':
      case undefined:
        break
      default:
        fault satisfies never
    }
    await this.arrival()
    return run()
  }

  /** In the order of sending. Dropped when the link is cut. */
  private arrival(): Promise<void> {
    return new Promise((resolve) => this.requests.pass(this.requestMs, resolve))
  }

  /** Out of order. No cut can stop it. */
  private detour(byMs: Milliseconds): Promise<void> {
    return new Promise((resolve) => void this.server.clock.after(this.requestMs + byMs, resolve))
  }
}

function lost<T>(promise: 'never' | 'rejected' = 'never'): Promise<T> {
  if (promise === 'never') return new Promise(() => {})
  return Promise.reject(unavailable('the link to the memory server broke before the answer came'))
}

function unavailable(detail: string): CacheError {
  return new CacheError('L2_UNAVAILABLE', detail)
}
