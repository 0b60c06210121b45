// Closes a cache: in a fixed order, within a time limit, and only once.
import { CacheError } from '../model/errors.js'
import type { Bus, Milliseconds, RemoteStore } from '../model/ports.js'
import type { Core } from './core.js'
import { endsWithin } from './runtime/background.js'
import type { L1Sweep } from './state/l1-sweep.js'
import type { BusListener } from './sync/listener.js'
import type { Replay } from './sync/replay.js'

/** The longest that closing a store or a bus may take. */
const CLOSE_LIMIT_MS: Milliseconds = 1_000

/** What closing needs: parts of the core, and parts that the core does not have. */
export interface ShutdownParts {
  readonly core: Pick<
    Core,
    'callers' | 'limits' | 'l1' | 'remote' | 'local' | 'outbox' | 'journal' | 'background' | 'events' | 'recorder'
  >
  readonly replay: Replay
  readonly listener: BusListener
  readonly sweep: L1Sweep | undefined
  readonly store: RemoteStore | undefined
  readonly bus: Bus | undefined
  readonly closeTimeoutMs: Milliseconds
  /** The timeout of L2; 0 without an L2. */
  readonly l2TimeoutMs: Milliseconds
}

/** Knows whether the cache is open, and closes it. */
export class Shutdown {
  #closing: Promise<void> | undefined

  constructor(private readonly parts: () => ShutdownParts) {}

  get isClosed(): boolean {
    return this.#closing !== undefined
  }

  assertOpen(): void {
    if (this.isClosed) {
      throw new CacheError('CLOSED', 'expected an open cache; close() was called. Make a new one with createCache()')
    }
  }

  close(): Promise<void> {
    if (this.#closing === undefined) {
      const parts = this.parts()
      this.#closing = parts.core.callers.await(close(parts))
    }
    return this.#closing
  }
}

/**
 * In this order: refuse new calls, finish background work, publish what waits for L2, abort the loads that still run, give back
 * their leases, close L2 and the bus.
 */
async function close(parts: ShutdownParts): Promise<void> {
  const { core, replay, listener, sweep, store, bus } = parts
  const { background, callers, events, l1, limits, local, outbox, recorder, remote } = core
  const giveBackMs = Math.min(parts.l2TimeoutMs, parts.closeTimeoutMs / 4)
  listener.distrust()
  recorder.refreshesDropped(background.end())
  await endsWithin(publishAll(parts), parts.closeTimeoutMs - giveBackMs, callers)
  const unsaved = background.endWaiting()
  local.abortAll(new CacheError('CLOSED', 'the cache was closed while this load ran'))
  local.inFlight.takeAll()
  limits.takeAll()
  // Aborted loads give back their leases, so that no other process waits for them.
  await endsWithin(background.drain(), giveBackMs, callers)
  const lost = replay.end() + outbox.size
  remote?.tier.end()
  await Promise.all([guarded(core, () => bus?.close()), guarded(core, () => store?.close())])
  sweep?.end()
  l1?.clear()
  if (events.has('closed')) events.emit('closed', { lost, unsaved })
}

async function publishAll({ core: { background, journal }, replay, store }: ShutdownParts): Promise<void> {
  await background.drain()
  if (journal.size === 0 || store?.isReady() !== true) return
  await background.guard('replay', () => replay.run(), false)
  await background.drain()
}

/** A user's own store or bus may throw or never settle, although its port forbids both. */
async function guarded(
  { background, callers }: Pick<Core, 'callers' | 'background'>,
  end: () => Promise<void> | undefined,
): Promise<void> {
  await endsWithin(
    background.guard('close', async () => end(), undefined),
    CLOSE_LIMIT_MS,
    callers,
  )
}
