// How the store reaches its server or servers: one interface for standalone, Sentinel and Cluster.
import type { Clock, Milliseconds, StoreEvents } from '../../model/ports.js'
import type { Argument } from '../client/client.js'
import type { TimeSample } from '../server/server-check.js'
import type { UnusableClient } from '../server/unusable.js'
import type { SlotOwners } from './slot-owners.js'

export interface ConnectionEvents extends StoreEvents {
  /** A sample of the clock of the server that all processes of this cache use for time. */
  timed(sample: TimeSample): void
  /** The client is connected but cannot carry our commands; a link of our own can. If the connection was ready, `unready` follows. */
  unusable(why: UnusableClient): void
}

/** What a link passes on to the next link, and the link of a lent client to the link that stands in for it. */
export interface Inheritance {
  /** The standalone server that was last connected. */
  serverId: string | undefined
  /** For a cluster. */
  readonly owners: SlotOwners
}

/** How a connection treats its client. */
export interface ConnectionSettings {
  readonly clock: Clock
  /** How long a link may be silent while commands wait for replies; `undefined` if the client itself replaces a silent link. */
  readonly silenceMs: Milliseconds | undefined
  readonly inheritance: Inheritance
}

/** One server, for commands that do not belong to a slot. */
export interface Master {
  send(command: string, args: Argument[]): Promise<unknown>
}

export interface Connection {
  /** The prefix that the client puts before every key. */
  readonly keyPrefix: string
  /** `'one'`: all commands are executed in the order of sending. `'perSlot'`: only commands of the same slot are. */
  readonly order: 'one' | 'perSlot'
  /** Whether a replica, which may be behind, might reply to plain reads. */
  readonly mayReadReplicas: boolean
  isReady(): boolean
  /** The id of the server to which a command for `key` goes now. Another server has another clock. */
  serverOf(key: string): string
  /**
   * Sends a command to the master of `key`. The commands of one tick leave in one write per server.
   * Rejects with `CacheError`, and at once if the command cannot be sent now.
   */
  send(key: string, command: string, args: Argument[]): Promise<unknown>
  /** Every master, for work that visits all of them. Commands to a master that cannot be reached reject. */
  masters(): readonly Master[]
  /** How many commands wait for a reply. */
  readonly waiting: number
  /** Adds listeners and begins to report. */
  start(): void
  /** Removes the listeners and rejects the commands in flight. It does not close the client. */
  stop(): void
}
