// A server in this process to which several caches ("processes") connect, each through a `memory-store.ts`.
import { randomBytes } from 'node:crypto'
import { CacheError } from '../../model/errors.js'
import { checkNames } from '../../model/option-rules.js'
import type { Clock } from '../../model/ports.js'
import { systemClock } from '../../model/time/clock.js'
import { type KeyspaceSnapshot, MemoryKeyspace } from './memory-keyspace.js'

/** Options of a `MemoryServer`. */
export interface MemoryServerOptions {
  /** The time of the server, for expiry and for the latency of its links. By default the clock of the first cache that connects. */
  readonly clock?: Clock
  /** The number of keys kept, with entries, tokens and logs. Beyond it the least recently used are evicted. Unlimited by default. */
  readonly maxKeys?: number
  /** The number of announcements kept per cache name. Default 10,000. */
  readonly maxLogLines?: number
  /** What the server's own clock shows at first, in ms. By default a moment in 2023, unlike the time of any process. */
  readonly startAtMs?: number
}

/**
 * Which commands the server executes. `readOnly`: no writes (a replica). `outOfMemory`: no new values or tokens; as with Redis, leases,
 * removals, changes in place and announcements still work. `loading`: nothing yet. `unauthorized`: nothing for this client.
 */
export type ServerCondition = 'healthy' | 'readOnly' | 'outOfMemory' | 'loading' | 'unauthorized'

/** How the server informs a link. */
interface ServerLink {
  /** The server stopped or started. */
  refresh(inFlight: 'rejected' | 'never'): void
}

const CHANGES_KEPT_MS = 6_000
const SOME_INSTANT_MS = 1_700_000_000_000

/** The data, the time and the condition of the server. Its commands are in `memory-commands.ts`. */
export class MemoryServer {
  readonly keyspace: MemoryKeyspace
  readonly maxLogLines: number
  condition: ServerCondition = 'healthy'

  private readonly links = new Set<ServerLink>()
  private readonly waiting: (() => void)[] = []
  private readonly appendListeners = new Set<(name: string) => void>()
  private givenClock: Clock | undefined
  private clockOffsetMs: number
  private currentRunId = newRunId()
  private lastGivenPosition = 0
  /** Change marks, oldest first. They survive `wipe` and `evict`: losing them and repeating a command at once is beyond what is guaranteed. */
  private readonly changes = new Map<string, { readonly position: number; readonly atMs: number }>()
  private runs = true
  private isPaused = false

  constructor(given: MemoryServerOptions = {}) {
    const options = checkNames(given, ['clock', 'maxKeys', 'maxLogLines', 'startAtMs'], 'MemoryServer')
    this.givenClock = options.clock
    this.clockOffsetMs = (options.startAtMs ?? SOME_INSTANT_MS) - this.clock.nowMs()
    this.keyspace = new MemoryKeyspace(() => this.nowMs(), options.maxKeys ?? Number.POSITIVE_INFINITY)
    this.maxLogLines = options.maxLogLines ?? 10_000
  }

  get clock(): Clock {
    return this.givenClock ?? systemClock
  }

  /** The server's own clock. */
  nowMs(): number {
    return this.clock.nowMs() + this.clockOffsetMs
  }

  /** A new one after each restart. */
  get runId(): string {
    return this.currentRunId
  }

  get isRunning(): boolean {
    return this.runs
  }

  /** The live keys by their names in the server: entry keys unchanged, tokens `{name}#label`, the log `{name}#bus`. */
  keys(): string[] {
    return this.keyspace.keys()
  }

  /** Evicts one key, as a server under memory pressure does. Returns whether it was there. */
  evict(key: string): boolean {
    return this.keyspace.delete(key)
  }

  /** Evicts the token of a label of the cache `name`. */
  evictToken(name: string, label: string): boolean {
    return this.evict(tokenKey(name, label))
  }

  /** Removes the announcements of the cache `name`. */
  evictLog(name: string): boolean {
    return this.evict(logKey(name))
  }

  /** Changes the bytes under a key but not its remaining life. */
  corrupt(key: string, change: (bytes: Buffer) => Uint8Array): void {
    const value = this.keyspace.get(key)
    if (value?.type !== 'bytes') throw new Error(`there are no bytes under ${JSON.stringify(key)}`)
    this.keyspace.replace(key, { type: 'bytes', bytes: Buffer.from(change(Buffer.from(value.bytes))) })
  }

  /** Stores a value of a type that the cache does not use. */
  plantOtherType(key: string): void {
    this.keyspace.set(key, { type: 'other' }, Number.POSITIVE_INFINITY)
  }

  /** Removes everything, tokens and logs included. The server remains the same one. */
  wipe(): void {
    this.keyspace.clear()
  }

  snapshot(): KeyspaceSnapshot {
    return this.keyspace.snapshot()
  }

  /** Another server takes over with the data of `snapshot`. Later writes are lost, as in a failover to a lagging replica. */
  failover(snapshot: KeyspaceSnapshot): void {
    this.stop()
    this.keyspace.restore(snapshot)
    this.start()
  }

  restart(data: 'kept' | 'lost'): void {
    this.stop()
    if (data === 'lost') this.wipe()
    this.start()
  }

  /** Cuts every link. No link comes up until `start`. The data stays. */
  stop(): void {
    this.runs = false
    for (const link of this.links) link.refresh('rejected')
  }

  /** Starts the server, under a new run id. */
  start(): void {
    if (this.runs) return
    this.runs = true
    this.currentRunId = newRunId()
    for (const link of this.links) link.refresh('rejected')
  }

  /** Executes nothing until `resume`, and keeps every link open, like SIGSTOP. */
  pause(): void {
    this.isPaused = true
  }

  /** Executes what has arrived meanwhile, in order, however long ago its sender gave up. */
  resume(): void {
    this.isPaused = false
    for (const run of this.waiting.splice(0)) run()
  }

  /** Internal: without a clock of its own the server takes that of the first cache. */
  adoptClock(clock: Clock): void {
    if (this.givenClock !== undefined) return
    this.clockOffsetMs += systemClock.nowMs() - clock.nowMs()
    this.givenClock = clock
  }

  /** Internal: registers a link. */
  attach(link: ServerLink): void {
    this.links.add(link)
  }

  /** Internal: runs a command that has arrived, now or after `resume`. */
  execute<T>(run: () => Promise<T>): Promise<T> {
    if (!this.isPaused) return run()
    return new Promise((resolve, reject) => {
      this.waiting.push(() => void run().then(resolve, reject))
    })
  }

  /** Internal: throws the error with which a server in this condition replies to such a command. */
  require(kind: 'read' | 'write'): void {
    switch (this.condition) {
      case 'healthy':
      case 'outOfMemory':
        return
      case 'readOnly':
        if (kind !== 'read') throw refusal('READONLY this is a read-only replica')
        return
      case 'loading':
        throw refusal('LOADING the memory server is loading its data')
      case 'unauthorized':
        throw new CacheError('L2_MISCONFIGURED', 'NOAUTH the memory server requires a password')
      default:
        this.condition satisfies never
    }
  }

  /** Internal: positions are never used twice, not even in another log. */
  nextPosition(): number {
    return ++this.lastGivenPosition
  }

  /** Internal: the last position that was given so far. */
  get lastPosition(): number {
    return this.lastGivenPosition
  }

  /** Internal: the key was changed by something other than a load. It is remembered for as long as a command may be late. */
  changed(key: string): void {
    this.changes.delete(key)
    this.changes.set(key, { position: this.nextPosition(), atMs: this.nowMs() })
    for (const [oldest, { atMs }] of this.changes) {
      if (atMs >= this.nowMs() - CHANGES_KEPT_MS) return
      this.changes.delete(oldest)
    }
  }

  /** Internal: the position of the last such change. */
  changedAt(key: string): number {
    return this.changes.get(key)?.position ?? 0
  }

  /** Internal: informs the reads that wait for announcements of `name`. */
  appended(name: string): void {
    for (const listener of [...this.appendListeners]) listener(name)
  }

  /** Internal: calls `listener` after each append. */
  onAppend(listener: (name: string) => void): () => void {
    this.appendListeners.add(listener)
    return () => void this.appendListeners.delete(listener)
  }
}

/** The key of the token of a label. `{name}` as on a cluster, where all tokens of a cache share a slot. */
export function tokenKey(name: string, label: string): string {
  return `{${name}}#${label}`
}

/** What shows when the last hold of a label of a cache ends or has ended. */
export function holdsKey(name: string): string {
  return `{${name}}#holds`
}

/** The key of the announcements of a cache. */
export function logKey(name: string): string {
  return `{${name}}#bus`
}

function newRunId(): string {
  return randomBytes(20).toString('hex')
}

function refusal(detail: string): CacheError {
  return new CacheError('L2_UNAVAILABLE', detail)
}
