// Ports that break the protocol on purpose. The property must detect each of them.
import type { Bus, BusEvents, ConnectedTier, RemoteStore, TierDefinition } from 'tiercache/ports'
import type { MemoryTier } from 'tiercache/testing'
import { Holds } from '../../../src/flow/state/holds.js'

/** Ports that break the protocol, with any store. */
export type PortMutation = keyof typeof PORT_MUTATIONS
export type Mutation = PortMutation | keyof typeof SERVER_MUTATIONS

type Break = (connected: ConnectedTier) => ConnectedTier
type ServerBreak = (connected: ConnectedTier, tier: MemoryTier) => ConnectedTier

export const PORT_MUTATIONS = {
  'a fill stores whatever is under the key': ({ store, bus }) => ({
    bus,
    store: withStore(store, {
      swap: async (key, _expected, next, keepMs) => {
        if (next !== undefined) await store.apply([{ op: 'put', key, bytes: next, keepMs }], undefined)
        return undefined
      },
    }),
  }),
  'the bus drops announcements and reports that it was heard': ({ store, bus }) => ({
    store,
    bus: withEvents(bus, (events) => ({ ...events, message: () => undefined })),
  }),
  'the bus never reports a loss': ({ store, bus }) => ({
    store,
    bus: withEvents(bus, (events) => ({ ...events, lost: () => undefined })),
  }),
  'the bus is trusted for ever': ({ store, bus }) => ({
    store,
    bus: withEvents(bus, (events) => ({
      ...events,
      heard: () => events.heard(Number.POSITIVE_INFINITY),
      lost: () => undefined,
    })),
  }),
  'the bus counts as heard from its reply, not from its request': ({ store, bus }) => ({
    store,
    bus: withEvents(bus, (events, nowMs) => ({ ...events, heard: () => events.heard(nowMs() + 10_000) })),
  }),
  'a missing token counts as never invalidated': ({ store, bus }) => ({
    bus,
    store: withStore(store, {
      readTokens: async (labels) => (await store.readTokens(labels)).map((token, i) => token ?? firstToken(labels[i]!)),
      ensureTokens: async (labels) => ({ tokens: labels.map(firstToken), log: [] }),
    }),
  }),
  'a deletion is announced and not done': ({ store, bus }) => ({
    bus,
    store: withStore(store, {
      apply: async (changes, announcement) => {
        const kept = changes.filter(({ op }) => op !== 'delete')
        await store.apply(kept, announcement)
        return changes.map(() => undefined)
      },
    }),
  }),
} as const satisfies Record<string, Break>

/** The in-memory server without the checks that make commands harmless when they are executed twice. */
export const SERVER_MUTATIONS = {
  'a claim executed again plants the same lease': ({ store, bus }, { link, server }) => ({
    bus,
    store: withStore(store, {
      claim: (key, lease, leaseMs) =>
        link.send(store, 'claim', () => {
          const standing = server.keyspace.get(key)
          if (standing?.type === 'bytes') return Buffer.from(standing.bytes)
          server.keyspace.set(key, { type: 'bytes', bytes: Buffer.from(lease) }, leaseMs)
          return lease
        }),
    }),
  }),
  'changes leave no mark': (connected, { server }) => {
    server.changedAt = () => 0
    return connected
  },
} as const satisfies Record<string, ServerBreak>

/** Where and how holds are broken: in the tier, or in every process. */
interface HoldBreak {
  readonly tiers: readonly ('shared' | 'none')[]
  readonly tier?: Break
  readonly process?: Partial<Holds>
}

/** Holds without one of the mechanisms that they need. */
export const HOLD_MUTATIONS = {
  'no process compares a load with the holds': {
    tiers: ['none'],
    process: { endAfter: () => undefined },
  },
  'callers share a load of a hold that is over': {
    tiers: ['shared', 'none'],
    process: { hasEndedSince: () => false },
  },
  'holds are announced and not planted': {
    tiers: ['shared'],
    tier: ({ store, bus }) => ({
      bus,
      store: withStore(store, {
        apply: (changes, announcement) =>
          store.apply(
            changes.map((change) => ({ ...change, hold: undefined, holdMs: undefined })),
            announcement,
          ),
      }),
    }),
  },
  'the log proves late tags although something was held': {
    tiers: ['shared'],
    tier: ({ store, bus }) => ({
      bus,
      store: withStore(store, {
        ensureTokens: async (...asked) => ({ ...(await store.ensureTokens(...asked)), holdEndedAgoMs: undefined }),
      }),
    }),
  },
} as const satisfies Record<string, HoldBreak>

export type HoldMutation = keyof typeof HOLD_MUTATIONS

/** Runs `work` with what breaks its tiers, while the processes are broken by `mutation`. */
export async function withMutation(
  mutation: HoldMutation | undefined,
  work: (mutate: (tier: MemoryTier) => MemoryTier) => Promise<void>,
): Promise<void> {
  const broken: HoldBreak = mutation === undefined ? { tiers: [] } : HOLD_MUTATIONS[mutation]
  const whole = Object.getOwnPropertyDescriptors(Holds.prototype)
  Object.assign(Holds.prototype, broken.process)
  try {
    const { tier: breakTier } = broken
    if (breakTier === undefined) await work((tier) => tier)
    else await work((tier) => ({ ...tier, connect: (...args) => breakTier(tier.connect(...args)) }))
  } finally {
    Object.defineProperties(Holds.prototype, whole)
  }
}

/** The tier, broken by `mutation`. */
export function mutated(tier: MemoryTier, mutation: Mutation | undefined): TierDefinition
export function mutated(tier: TierDefinition, mutation: PortMutation | undefined): TierDefinition
export function mutated(tier: TierDefinition | MemoryTier, mutation: Mutation | undefined): TierDefinition {
  if (mutation === undefined) return tier
  const breaks: ServerBreak = { ...PORT_MUTATIONS, ...SERVER_MUTATIONS }[mutation]
  return { ...tier, connect: (...args) => breaks(tier.connect(...args), tier as MemoryTier) }
}

/** The same token for a label for ever, like a counter that begins at zero. */
function firstToken(label: string): string {
  return Buffer.from(label.padEnd(16, '.')).toString('hex').slice(0, 32)
}

function withStore(store: RemoteStore, changed: Partial<RemoteStore>): RemoteStore {
  return new Proxy(store, {
    get(target, name) {
      const member: unknown = name in changed ? changed[name as keyof RemoteStore] : Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function withEvents(
  bus: Bus | undefined,
  change: (events: BusEvents, nowMs: () => number) => BusEvents,
): Bus | undefined {
  if (bus === undefined) return undefined
  return new Proxy(bus, {
    get(target, name) {
      if (name === 'start') {
        const start: Bus['start'] = (channel, events, clock) =>
          target.start(
            channel,
            change(plain(events), () => clock.nowMs()),
            clock,
          )
        return start
      }
      const member: unknown = Reflect.get(target, name, target)
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
}

function plain(events: BusEvents): BusEvents {
  return {
    message: (bytes) => events.message(bytes),
    changed: (keys) => events.changed(keys),
    heard: (sentAtMs) => events.heard(sentAtMs),
    lost: (reason) => events.lost(reason),
  }
}
