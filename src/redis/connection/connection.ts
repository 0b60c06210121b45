// How the store reaches its server or servers: one interface for standalone, Sentinel and Cluster.
import type { Clock, Milliseconds, StoreEvents } from '../../model/ports.js'
import type { Argument } from '../client/client.js'
import type { TimeSample } from '../server/server-check.js'
import type { UnusableClient } from '../server/unusable.js'
import type { SlotOwners } from './slot-owners.js'

export interface ConnectionEvents extends StoreEvents {
  /** A look at the clock of the server that all processes of this cache agree on. */
  timed(sample: TimeSample): void
  /** The client is connected and cannot carry our commands: a link of our own can. `unready` follows where it was ready. */
  unusable(why: UnusableClient): void
}

/** What one link leaves to the next one, and a lent client's to the one that stands in for it. */
export interface Inheritance {
  /** Of a standalone server, as it was last seen. */
  serverId: string | undefined
  /** Of a cluster. */
  readonly owners: SlotOwners
}

/** How a connection treats its client. */
export interface ConnectionSettings {
  readonly clock: Clock
  /** How long nothing may come over a link on which commands wait; `undefined` where the client itself replaces such a link. */
  readonly silenceMs: Milliseconds | undefined
  readonly inheritance: Inheritance
}

/** One server, asked by itself whatever its slots. */
export interface Master {
  send(command: string, args: Argument[]): Promise<unknown>
}

export interface Connection {
  /** What the client puts before every key by itself. */
  readonly keyPrefix: string
  /** `'one'`: commands are executed in the order sent, whatever their keys. `'perSlot'`: only those of one slot. */
  readonly order: 'one' | 'perSlot'
  /** Whether plain reads might be answered by a replica, which may be behind. */
  readonly mayReadReplicas: boolean
  isReady(): boolean
  /** A name of the server that a command for `key` goes to now: another one, another clock. */
  serverOf(key: string): string
  /**
   * Sends a command to the master of `key`; what one tick sends leaves in one write per server.
   * Rejects with `CacheError`, at once where it is known that nothing would go out.
   */
  send(key: string, command: string, args: Argument[]): Promise<unknown>
  /** Every master, for work that visits all of them. What cannot be reached rejects. */
  masters(): readonly Master[]
  /** How many commands wait for a reply. */
  readonly waiting: number
  /** Attaches listeners and begins to report. */
  start(): void
  /** Takes the listeners off again and rejects what is under way. The client itself is its owner's business. */
  stop(): void
}
