// The composition root: the only file that knows all parts. It puts a cache together from its options.
import { randomBytes } from 'node:crypto'
import { getHeapStatistics } from 'node:v8'
import { Cache } from './cache/cache.js'
import { NameRegistry } from './cache/registry/name-registry.js'
import { RequestScopes } from './cache/request-scope/request-scope.js'
import { createEntryCodec } from './codec/entry-codec.js'
import type { Core } from './flow/core.js'
import { reseal } from './flow/entries/reseal.js'
import { logEvents } from './flow/events/log.js'
import { Recorder } from './flow/events/recorder.js'
import { RunningLoads } from './flow/flights/running-loads.js'
import { Reader } from './flow/read/read.js'
import { Background } from './flow/runtime/background.js'
import { makeClocks } from './flow/runtime/clocks.js'
import { Shutdown } from './flow/shutdown.js'
import { L1Sweep } from './flow/state/l1-sweep.js'
import { LocalState } from './flow/state/local-state.js'
import { openL1 } from './flow/state/open-l1.js'
import { Streams } from './flow/streams/streams.js'
import { Journal } from './flow/sync/journal.js'
import { BusListener } from './flow/sync/listener.js'
import { Outbox } from './flow/sync/outbox.js'
import { Publisher } from './flow/sync/publisher.js'
import { Replay } from './flow/sync/replay.js'
import { Touches } from './flow/sync/touches.js'
import { TokenReader } from './flow/tokens/token-reader.js'
import { TokenTable } from './flow/tokens/token-table.js'
import { Pulls } from './flow/update/pull.js'
import { l2PartsOf, Updates } from './flow/update/update.js'
import { Writer } from './flow/write/write.js'
import { asError } from './model/errors.js'
import { shownAs } from './model/events/event-keys.js'
import { Events } from './model/events/events.js'
import { fullKeyOf, rootSpace, scopeOf } from './model/keys/key.js'
import type { Label } from './model/labels.js'
import { type CachePolicy, resolveCacheOptions } from './model/options/cache-policy.js'
import type { CacheOptions } from './model/options/options.js'
import { resolveTierOptions } from './model/options/tier-policy.js'
import { foreignReason } from './model/text/foreign-text.js'
import { Deadlines } from './tiers/deadlines.js'
import { RemoteTier } from './tiers/remote-tier.js'

/** The least number of labels whose tokens stay in memory. Tokens of further labels are read from L2 again. */
const MIN_LABELS = 10_000
const LABELS_PER_ENTRY = 4
/** Added to `maxStaleness`, for a bus that is reconnecting. */
const CATCH_UP_GRACE_MS = 1_000

/**
 * Creates a cache. Without options it is a bounded L1 with single flight, and nothing else has to be installed.
 * Throws `INVALID_OPTION` or `INVALID_KEY` for a wrong option, before anything is opened.
 */
export function createCache(options?: CacheOptions): Cache {
  const policy = resolveCacheOptions(options, getHeapStatistics().heap_size_limit)
  const tierPolicy = policy.l2 && resolveTierOptions(policy.l2)
  const codec = policy.l2 && createEntryCodec(policy.l2, policy.values.extensions)
  const space = rootSpace(policy.name, policy.version)
  const rootLabel = space.scopeLabels[0] as Label
  const { random } = policy
  const { clock, deadlineClock, callers, turnClock } = makeClocks(policy.clock)
  const sender = randomBytes(9).toString('base64url')

  const events = new Events()
  logEvents(events, space.scope, policy.logger)
  const recorder = new Recorder(events, clock, shownAs(policy.eventKeys))
  const background = new Background(policy.background, (what, error) => {
    recorder.notices.report(
      'BACKGROUND_FAILED',
      `background work failed (${what}): ${foreignReason(error)}`,
      asError(error),
    )
  })
  const inBackground = (what: string, work: () => Promise<unknown>) => background.run(what, work)

  const connected = policy.l2?.connect(space.scope, clock, policy.memory?.maxStalenessMs)
  const bus = policy.bus ?? connected?.bus
  const hearsOthers = bus !== undefined && bus.announces === 'store'
  const l1 = openL1(policy, space, recorder)
  const maxLabels = maxLabelsOf(policy)
  const maxStalenessMs = policy.memory?.maxStalenessMs ?? 3_000
  const tokens = new TokenTable({ maxLabels, maxStalenessMs, isShared: connected !== undefined })
  const local = new LocalState(l1, tokens, clock, rootLabel, new Deadlines(callers))
  const sweep = l1 && new L1Sweep(l1, tokens, clock)
  local.sweep = sweep

  const tier: RemoteTier | undefined =
    connected &&
    tierPolicy &&
    new RemoteTier(
      connected.store,
      deadlineClock,
      tierPolicy,
      random,
      recorder.l2.owner(() => background.guard('replay', () => replay.run(), false)),
      callers,
    )
  const remote = tier && codec && tierPolicy && { tier, codec, leaseMs: tierPolicy.leaseMs }
  const touches = new Touches({ name: space.scope, clock, l1, tier, background })
  const publisher = new Publisher(sender, tier, bus, callers)
  const journal = new Journal(policy.recovery, {
    rootLabel,
    clock: deadlineClock,
    hearsOthers,
    isL2Available: () => tier?.isAvailable() === true,
    queued: (waiting) => {
      recorder.queued(waiting)
      replay.planRetry()
    },
    overflowed: ({ subject, change }) => local.applyChange(subject, change, 'clean-l1'),
  })
  const replay: Replay = new Replay(journal, {
    publisher,
    tier,
    clock: deadlineClock,
    ages: clock,
    random,
    hearsOthers,
    reseal: (pending) => reseal(pending, reader.entries, core),
    restamp: (localKey, stamp) => codec?.renewedStamp(fullKeyOf(localKey, space.scope), stamp) ?? stamp,
    caughtUp: () => listener.caughtUp(clock.nowMs(), callers, tokens.maxStalenessMs + CATCH_UP_GRACE_MS),
    // Until a late change was published, its old value may have been read from L2 into L1: clean L1. A late value was in L1 all the time.
    publishedAtLast: ({ subject, change }, isLatest) => {
      local.applyChange(subject, change, change.op === 'put' || !isLatest ? 'keep-l1' : 'clean-l1')
      if (change.op === 'put' && isLatest) touches.storedLate(subject, change.bytes)
    },
    replayed: (changes, overflowed) => recorder.replayed(changes, overflowed),
    background: inBackground,
  })
  const listener = new BusListener(space.scope, sender, local, journal, recorder)
  const tokenReader = new TokenReader(tokens, tier, clock, journal, maxLabels, inBackground)
  const outbox = new Outbox(publisher, journal, background, ({ subject }) =>
    recorder.dropped('store', scopeOf(subject, space.scope), subject),
  )

  const shutdown = new Shutdown(() => ({
    core,
    replay,
    listener,
    sweep,
    store: connected?.store,
    bus,
    closeTimeoutMs: policy.closeTimeoutMs,
    l2TimeoutMs: tierPolicy?.timeoutMs ?? 0,
  }))
  const core: Core = {
    name: space.scope,
    clock,
    callers,
    limits: new Deadlines(callers),
    turnClock,
    random,
    values: policy.values,
    l1,
    remote,
    bus,
    tokens,
    tokenReader,
    local,
    outbox,
    publisher,
    journal,
    touches,
    background,
    events,
    recorder,
    running: new RunningLoads(),
    assertOpen: () => shutdown.assertOpen(),
  }
  const reader = new Reader(core)
  const writer = new Writer(core, reader.entries)
  const l2Parts = l2PartsOf(core, reader.local, reader.entries)
  const updates = new Updates(core, reader.local, writer, l2Parts)
  const pulls = new Pulls(core, reader.local, writer, l2Parts)

  connected?.store.start({
    ready: (server) => {
      if (server === 'other') replay.serverChanged()
      tier?.storeReady(server)
    },
    unready: (reason) => tier?.storeUnready(reason),
    notice: (code, detail, error) => recorder.notices.report(code, detail, error),
  })
  bus?.start(space.scope, listener, clock)

  const requests = new RequestScopes(core, reader)
  const parts = {
    core,
    reader,
    streams: new Streams(core, reader),
    writer,
    updates,
    pulls,
    requests,
    names: new NameRegistry(),
    shutdown,
  }
  return new Cache(parts, { space, counts: recorder.paths.of(space.scope), policy: policy.defaults })
}

function maxLabelsOf({ memory }: CachePolicy): number {
  const maxLabels = Math.max(MIN_LABELS, (memory?.maxEntries ?? 0) * LABELS_PER_ENTRY)
  return Number.isFinite(maxLabels) ? maxLabels : MIN_LABELS
}
