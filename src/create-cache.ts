// The composition root: the only file that knows everyone. It puts a cache together from its options.
import { randomBytes } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { Cache } from './cache/cache.js'
import { NameRegistry } from './cache/registry/name-registry.js'
import { RequestScopes } from './cache/request-scope/request-scope.js'
import { createEntryCodec } from './codec/entry-codec.js'
import type { Core, Remote } from './flow/core.js'
import { Reader } from './flow/read/read.js'
import { Background, endsWithin } from './flow/runtime/background.js'
import { logEvents } from './flow/runtime/log.js'
import { Recorder } from './flow/runtime/recorder.js'
import { Lifecycle } from './flow/runtime/shutdown.js'
import { TurnClock } from './flow/runtime/turn-clock.js'
import { WaitingCallers } from './flow/runtime/waiting-callers.js'
import { L1Sweep } from './flow/state/l1-sweep.js'
import { LocalState } from './flow/state/local-state.js'
import { RunningLoads } from './flow/state/running-loads.js'
import { Journal } from './flow/sync/journal.js'
import { BusListener } from './flow/sync/listener.js'
import { Outbox } from './flow/sync/outbox.js'
import type { PendingChange } from './flow/sync/pending-change.js'
import { Publisher } from './flow/sync/publisher.js'
import { TokenReader } from './flow/tokens/token-reader.js'
import { TokenTable } from './flow/tokens/token-table.js'
import { Writer } from './flow/write/write.js'
import { asError, CacheError } from './model/errors.js'
import { shownAs } from './model/events/event-keys.js'
import { Events } from './model/events/events.js'
import { foreignReason } from './model/foreign-text.js'
import { fullKeyOf, rootSpace, type Space, scopeOf, userKeyOf } from './model/keys/key.js'
import type { Label } from './model/labels.js'
import { type CachePolicy, resolveCacheOptions } from './model/options/cache-policy.js'
import type { CacheOptions } from './model/options/options.js'
import { resolveTierOptions } from './model/options/tier-policy.js'
import type { Bus, Change, Clock, StoreEvents } from './model/ports.js'
import { AgingClock } from './model/time/aging-clock.js'
import { systemClock } from './model/time/clock.js'
import { Deadlines, type Timed } from './tiers/deadlines.js'
import { MemoryTier } from './tiers/memory-tier.js'
import { RemoteTier, type RemoteTierOwner } from './tiers/remote-tier.js'

/** Labels whose tokens are kept in memory, at least; a label beyond them is asked of L2 again. */
const MIN_LABELS = 10_000
const LABELS_PER_ENTRY = 4

/**
 * Makes a cache. With no options at all it is a bounded L1 with single flight, and needs nothing installed.
 * Throws `INVALID_OPTION` for whatever is not as `CacheOptions` says; nothing was opened then.
 */
export function createCache(options?: CacheOptions): Cache {
  const policy = resolveCacheOptions(options, getHeapStatistics().heap_size_limit)
  const tierPolicy = policy.l2 && resolveTierOptions(policy.l2)
  const codec = policy.l2 && createEntryCodec(policy.l2, policy.values.extensions)
  const space = rootSpace(policy.name, policy.version)
  const aging = new AgingClock()
  const clock = policy.clock ?? aging
  // What takes real time has real limits, whatever a test does to its own time.
  const deadlineClock = policy.clock ?? systemClock
  const callers = new WaitingCallers(deadlineClock)
  const limits = new Deadlines<Timed>(callers)
  const sender = randomBytes(9).toString('base64url')

  const events = new Events()
  logEvents(events, space.scope, policy.logger)
  const recorder = new Recorder(events, clock, shownAs(policy.eventKeys))
  const background = new Background(policy.background, (what, error) => {
    recorder.notice('BACKGROUND_FAILED', `${what}: ${foreignReason(error)}`, asError(error))
  })
  const connected = policy.l2?.connect(space.scope, clock, policy.memory?.maxStalenessMs)
  const bus = policy.bus ?? connected?.bus
  const l1 = makeL1(policy, space, recorder)
  const maxLabels = Math.max(MIN_LABELS, (policy.memory?.maxEntries ?? 0) * LABELS_PER_ENTRY, 1)
  const tokens = new TokenTable({
    maxLabels: Number.isFinite(maxLabels) ? maxLabels : MIN_LABELS,
    maxStalenessMs: policy.memory?.maxStalenessMs ?? 3_000,
    isShared: connected !== undefined,
  })
  const local = new LocalState(l1, tokens, clock, space.scopeLabels[0])
  const sweep = l1 && new L1Sweep(l1, tokens, clock)
  local.sweep = sweep

  const tier =
    connected &&
    tierPolicy &&
    new RemoteTier(connected.store, deadlineClock, tierPolicy, policy.random, tierOwner(), callers)
  const publisher = new Publisher(sender, tier, bus, callers)

  const journal: Journal = new Journal(policy.recovery, {
    publisher: publisher,
    rootLabel: space.scopeLabels[0] as Label,
    tier,
    clock: deadlineClock,
    random: policy.random,
    reseal,
    restamp: (localKey, stamp) => codec?.renewedStamp(fullKeyOf(localKey, space.scope), stamp) ?? stamp,
    hearsOthers: bus !== undefined && bus.announces === 'store',
    caughtUp: () => listener.caughtUp(clock.nowMs(), callers, tokens.maxStalenessMs + CATCH_UP_GRACE_MS),
    // What L2 was told late may have been read there in between; a value told late is in L1 all the time.
    toldAtLast: ({ subject, change }, isLatest) =>
      local.applyChange(subject, change, change.op === 'put' || !isLatest ? 'keep-l1' : 'clean-l1'),
    queued: (waiting) => recorder.queued(waiting),
    replayed: (changes, overflowed) => recorder.replayed(changes, overflowed),
    background: (what, work) => background.run(what, work),
  })
  const listener = new BusListener(space.scope, sender, local, journal, recorder)
  const tokenReader = new TokenReader(tokens, tier, clock, journal, maxLabels, (what, work) =>
    background.run(what, work),
  )
  const remote: Remote | undefined = tier && codec && tierPolicy && { tier, codec, leaseMs: tierPolicy.leaseMs }

  const outbox = new Outbox(publisher, journal, background, ({ subject }) =>
    recorder.dropped('store', scopeOf(subject, space.scope), subject),
  )

  const lifecycle = new Lifecycle(() => callers.await(close()))
  const core: Core = {
    name: space.scope,
    clock,
    callers,
    limits,
    // A clock of the user's, such as a fake one, is asked every time.
    turnClock: policy.clock ?? new TurnClock(aging),
    random: policy.random,
    values: policy.values,
    l1,
    remote,
    bus,
    tokens,
    tokenReader,
    local,
    outbox,
    publisher: publisher,
    journal: journal,
    background,
    events,
    recorder,
    running: new RunningLoads(),
    assertOpen: () => lifecycle.assertOpen(),
  }
  const reader = new Reader(core)
  const writer = new Writer(core, reader.entries)

  connected?.store.start(storeEvents())
  bus?.start(space.scope, listener, clock)

  const requests = new RequestScopes(core, reader)
  const parts = { core, reader, writer, requests, names: new NameRegistry(), lifecycle, policy }
  return new Cache(parts, { space, policy: policy.defaults })

  /** Seals a value that waited, with the tokens of now. */
  async function reseal(pending: PendingChange): Promise<Change | undefined> {
    const { plan, change } = pending
    if (plan === undefined || change.op !== 'put' || reader.entries === undefined) return undefined
    const carried = await tokenReader.carry(plan.labels.labels, change.keepMs)
    if (!carried.isGoodForL2) return undefined
    return { ...change, bytes: reader.entries.seal({ ...plan, labels: carried.set }) }
  }

  function tierOwner(): RemoteTierOwner {
    return {
      comeBack: () => background.guard('replay', () => journal.replay(), false),
      degraded: (reason) => recorder.degraded(asCacheError(reason)),
      connected: (tookMs) => {
        if (events.has('connected')) events.emit('connected', { tookMs })
      },
      explained: (cause) => recorder.outageExplained(cause),
      recovered: (degradedMs) => recorder.recovered(degradedMs),
      failed: () => recorder.l2Failed(),
      answered: (_operation, tookMs) => recorder.l2Answered(tookMs),
    }
  }

  function storeEvents(): StoreEvents {
    return {
      ready: (server) => {
        if (server === 'other') journal.serverChanged()
        tier?.storeReady(server)
      },
      unready: (reason) => tier?.storeUnready(reason),
      notice: (code, detail, error) => recorder.notice(code, detail, error),
    }
  }

  /** In this order: no more reads and writes, what is under way, what still waits for L2, then the loads that did not end, and leases. */
  async function close(): Promise<void> {
    const goodbyeMs = Math.min(tierPolicy?.timeoutMs ?? 0, policy.closeTimeoutMs / 4)
    listener.distrust()
    recorder.refreshesDropped(background.end())
    await endsWithin(tellAll(), policy.closeTimeoutMs - goodbyeMs, callers)
    const unsaved = background.endWaiting()
    local.abortAll(new CacheError('CLOSED', 'the cache was closed while this load ran'))
    limits.takeAll()
    // Leases are given back, so that no other process waits for them.
    await endsWithin(background.drain(), goodbyeMs, callers)
    const lost = journal.end() + outbox.size
    tier?.end()
    await Promise.all([guarded(() => bus?.close()), guarded(() => connected?.store.close())])
    sweep?.end()
    l1?.clear()
    if (events.has('closed')) events.emit('closed', { lost, unsaved })
  }

  async function tellAll(): Promise<void> {
    await background.drain()
    if (journal.size === 0 || connected?.store.isReady() !== true) return
    await background.guard('replay', () => journal.replay(), false)
    await background.drain()
  }

  /** A store or bus of the user's may throw or never settle, although its port forbids both. */
  async function guarded(end: () => Promise<void> | undefined): Promise<void> {
    await endsWithin(
      background.guard('close', async () => end(), undefined),
      CLOSE_LIMIT_MS,
      callers,
    )
  }
}

/** What closing a store or a bus may take. */
const CLOSE_LIMIT_MS = 1_000

/** Beyond `maxStaleness`, for a bus that is just reconnecting. */
const CATCH_UP_GRACE_MS = 1_000

function makeL1(policy: CachePolicy, space: Space, recorder: Recorder): MemoryTier | undefined {
  if (policy.memory === undefined) return undefined
  const { maxEntryBytes } = policy.memory
  const tooLarge = (localKey: string, bytes: number) => {
    // What `maxEntryBytes` is for: such values live in L2.
    if (policy.l2 === undefined || bytes <= maxEntryBytes) recorder.tooLargeForL1(userKeyOf(localKey), bytes)
  }
  const evicted = (localKey: string) => recorder.evicted(scopeOf(localKey, space.scope), localKey)
  const l1 = new MemoryTier(policy.memory, evicted, tooLarge, policy.values.extensions)
  l1.onChanged = (localKey) => recorder.valueChanged(scopeOf(localKey, space.scope), localKey)
  return l1
}

function asCacheError(reason: Error): CacheError {
  if (reason instanceof CacheError) return reason
  return new CacheError(
    'L2_UNAVAILABLE',
    `expected L2 to answer; ${foreignReason(reason)}. The cache goes on without it`,
    {
      cause: reason,
    },
  )
}

export type { Bus, Clock }
