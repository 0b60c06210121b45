// A `RemoteStore` in this process, for tests and demos, never for production.
import { CacheError } from '../../model/errors.js'
import type {
  Attempt,
  Bytes,
  Change,
  ChangeResult,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  StoreEvents,
  Token,
} from '../../model/ports.js'
import { queueMicrotask } from '../../model/time/real-timers.js'
import type { Fault } from './faults.js'
import { MemoryCommands, REFUSED } from './memory-commands.js'
import type { MemoryLink } from './memory-link.js'
import type { MemoryServer } from './memory-server.js'

/** A change that arrives later than this is not executed. */
const LATEST_MS: Milliseconds = 5_000

/** The view of one process on the data of a `MemoryServer`, through a link that tests can disturb. */
export class MemoryStore implements RemoteStore {
  private readonly commands: MemoryCommands
  private events: StoreEvents | undefined
  private knownRunId: string
  private unwatch: (() => void) | undefined
  private isClosed = false
  private readonly readyListeners = new Set<() => void>()

  constructor(
    private readonly server: MemoryServer,
    private readonly link: MemoryLink,
    name: string,
  ) {
    this.commands = new MemoryCommands(server, name, (code, detail) => this.events?.notice(code, detail))
    this.knownRunId = server.runId
  }

  isReady(): boolean {
    return this.link.isUp && !this.isClosed
  }

  nowMs(): number {
    return this.server.nowMs()
  }

  read(keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
    return this.send('read', () => this.commands.read(keys))
  }

  claim(key: string, lease: Bytes, leaseMs: Milliseconds): Promise<Bytes> {
    return this.send('claim', () => this.commands.claim(key, lease, leaseMs))
  }

  swap(key: string, expected: Bytes, next: Bytes | undefined, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    return this.send('swap', () => this.commands.swap(key, expected, next, keepMs))
  }

  extend(key: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused'> {
    return this.send('extend', () => this.commands.extend(key, expected, keepMs))
  }

  /** Changes that were refused because their key was changed after they were sent are sent and announced again. */
  async apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt?: Attempt,
  ): Promise<readonly ChangeResult[]> {
    const results = [...(await this.send('apply', this.applying(changes, announcement)))]
    for (;;) {
      const refused = results.flatMap((result, i) => (result === REFUSED ? [i] : []))
      if (refused.length === 0 || attempt?.isOver) return results
      const again = refused.map((i) => changes[i] as Change)
      const later = await this.send('apply', this.applying(again, announcement))
      refused.forEach((i, at) => {
        results[i] = later[at]
      })
    }
  }

  private applying(changes: readonly Change[], announcement: Bytes | undefined) {
    const sentAt = this.server.lastPosition
    const lateAtMs = this.server.nowMs() + LATEST_MS
    return (fault: Fault | undefined) => {
      const failure = (change: Change) =>
        fault?.effect === 'failChanges' && fault.matches(change) ? failureOf(fault) : undefined
      return this.commands.apply(changes, announcement, { sentAt, lateAtMs, failure })
    }
  }

  readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[]> {
    return this.send('readTokens', () => this.commands.readTokens(labels))
  }

  ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    return this.send('ensureTokens', () => this.commands.ensureTokens(labels, candidates, keepMs, since))
  }

  async deleteByPrefix(prefix: string, signal?: AbortSignal, isMeant?: (head: Bytes) => boolean): Promise<number> {
    signal?.throwIfAborted()
    return this.send('deleteByPrefix', () => this.commands.deleteByPrefix(prefix, isMeant))
  }

  whenReady(signal?: AbortSignal): Promise<void> {
    if (this.isClosed) return Promise.reject(closed())
    if (this.isReady()) return Promise.resolve()
    if (signal?.aborted) return Promise.reject(signal.reason)
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => (): void => {
        this.readyListeners.delete(onReady)
        signal?.removeEventListener('abort', onAbort)
        settle()
      }
      const onReady = end(() => (this.isClosed ? reject(closed()) : resolve()))
      const onAbort = end(() => reject(signal?.reason))
      this.readyListeners.add(onReady)
      signal?.addEventListener('abort', onAbort)
    })
  }

  start(events: StoreEvents): void {
    this.events = events
    this.unwatch = this.link.watch({ up: () => this.up(), down: (reason) => events.unready(reason) })
    if (this.isReady()) queueMicrotask(() => this.up())
  }

  async close(): Promise<void> {
    this.isClosed = true
    this.unwatch?.()
    this.events = undefined
    this.link.abandon(this)
    for (const listener of [...this.readyListeners]) listener()
  }

  private send<T>(command: string, execute: (fault: Fault | undefined) => T): Promise<T> {
    return this.isClosed ? Promise.reject(closed()) : this.link.send(this, command, execute)
  }

  private up(): void {
    if (!this.isReady()) return
    const isOther = this.knownRunId !== this.server.runId
    this.knownRunId = this.server.runId
    this.events?.ready(isOther ? 'other' : 'same')
    for (const listener of [...this.readyListeners]) listener()
  }
}

function failureOf(fault: Extract<Fault, { effect: 'failChanges' }>): Error {
  return fault.error ?? new CacheError('L2_UNAVAILABLE', 'the memory server refuses this change')
}

function closed(): CacheError {
  return new CacheError('L2_UNAVAILABLE', 'the memory store was closed')
}
