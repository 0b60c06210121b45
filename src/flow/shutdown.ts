// The end of a cache: in order, within its limit, and only once.
import { CacheError } from '../model/errors.js'
import type { Bus, Milliseconds, RemoteStore } from '../model/ports.js'
import type { Core } from './core.js'
import { endsWithin } from './runtime/background.js'
import type { L1Sweep } from './state/l1-sweep.js'
import type { BusListener } from './sync/listener.js'
import type { Replay } from './sync/replay.js'

/** What closing a store or a bus may take. */
const CLOSE_LIMIT_MS: Milliseconds = 1_000

/** What is closed beside what the core has. */
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
  /** Of L2; 0 without. */
  readonly l2TimeoutMs: Milliseconds
}

/** Whether the cache is open, and how it is closed. */
export class Shutdown {
  #closing: Promise<void> | undefined

  constructor(private readonly parts: () => ShutdownParts) {}

  assertOpen(): void {
    if (this.#closing !== undefined) {
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

/** In this order: no more reads and writes, what is under way, what still waits for L2, then the loads that did not end, and leases. */
async function close(parts: ShutdownParts): Promise<void> {
  const { core, replay, listener, sweep, store, bus } = parts
  const { background, callers, events, l1, limits, local, outbox, recorder, remote } = core
  const goodbyeMs = Math.min(parts.l2TimeoutMs, parts.closeTimeoutMs / 4)
  listener.distrust()
  recorder.refreshesDropped(background.end())
  await endsWithin(publishAll(parts), parts.closeTimeoutMs - goodbyeMs, callers)
  const unsaved = background.endWaiting()
  local.abortAll(new CacheError('CLOSED', 'the cache was closed while this load ran'))
  limits.takeAll()
  // Leases are given back, so that no other process waits for them.
  await endsWithin(background.drain(), goodbyeMs, callers)
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

/** A store or bus of the user's may throw or never settle, although its port forbids both. */
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
