// What the rooms of the flow share: one object per cache, built in `create-cache.ts`.
import type { EntryCodec } from '../codec/entry-codec.js'
import type { Events } from '../model/events/events.js'
import type { Bus, Clock, Milliseconds } from '../model/ports.js'
import type { Random } from '../model/time/freshness.js'
import type { ValueRules } from '../model/values/value-rules.js'
import type { Deadlines, Timed } from '../tiers/deadlines.js'
import type { MemoryTier } from '../tiers/memory-tier.js'
import type { RemoteTier } from '../tiers/remote-tier.js'
import type { Recorder } from './events/recorder.js'
import type { RunningLoads } from './flights/running-loads.js'
import type { Background } from './runtime/background.js'
import type { WaitingCallers } from './runtime/waiting-callers.js'
import type { LocalState } from './state/local-state.js'
import type { Journal } from './sync/journal.js'
import type { Outbox } from './sync/outbox.js'
import type { Publisher } from './sync/publisher.js'
import type { Touches } from './sync/touches.js'
import type { TokenReader } from './tokens/token-reader.js'
import type { TokenTable } from './tokens/token-table.js'

/** L2: its tier, the codec of its entries, and how long a lease lives. */
export interface Remote {
  readonly tier: RemoteTier
  readonly codec: EntryCodec
  readonly leaseMs: Milliseconds
}

export interface Core {
  /** The scope of the cache itself, which is the prefix of its store keys. */
  readonly name: string
  readonly clock: Clock
  /** The clock for timers that end a caller's wait. */
  readonly callers: WaitingCallers
  /** Ends request scopes that exceed their limit. */
  readonly limits: Deadlines<Timed>
  /** Sampled once per turn of the event loop; for hits only. */
  readonly turnClock: { nowMs(): number }
  readonly random: Random
  /** Which values may be kept, and in which form. */
  readonly values: ValueRules
  readonly l1: MemoryTier | undefined
  readonly remote: Remote | undefined
  readonly bus: Bus | undefined
  readonly tokens: TokenTable
  readonly tokenReader: TokenReader
  readonly local: LocalState
  readonly outbox: Outbox
  readonly publisher: Publisher
  readonly journal: Journal
  readonly touches: Touches
  readonly background: Background
  readonly events: Events
  readonly recorder: Recorder
  /** Finds the load that the current call comes from. */
  readonly running: RunningLoads
  /** Throws `CLOSED` once `close()` was called. */
  assertOpen(): void
}
