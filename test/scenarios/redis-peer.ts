// A process in the scenarios of Redis: a store and its bus, and everything that they reported.

import type { Bus, BusEvents, RemoteStore } from '../../src/model/ports.js'
import { systemClock } from '../../src/model/time/clock.js'
import { type RedisTarget, type RedisTierOptions, redisTier } from '../../src/redis/index.js'
import { waitFor } from '../support/wait.js'

export interface RedisPeer {
  readonly store: RemoteStore
  readonly bus: Bus
  /** `ready same`, `unready …`, `notice …` of the store. */
  readonly said: string[]
  readonly messages: string[]
  readonly changes: (readonly string[] | 'all')[]
  readonly losses: string[]
  readonly heardAtMs: number[]
  announce(text: string): Promise<void>
  /** Waits until everything announced so far has been delivered. */
  caughtUp(): Promise<void>
  close(): Promise<void>
}

/** Starts a peer and waits until its store is ready and its bus was heard. */
export async function openPeer(target: RedisTarget, options: RedisTierOptions = {}, name = 'shop'): Promise<RedisPeer> {
  const peer = startPeer(target, options, name)
  await peer.store.whenReady(AbortSignal.timeout(20_000))
  if (options.bus !== false) await waitFor('the bus being heard', () => peer.heardAtMs.length > 0)
  return peer
}

/** Starts a peer without waiting. */
export function startPeer(target: RedisTarget, options: RedisTierOptions = {}, name = 'shop'): RedisPeer {
  const { store, bus } = redisTier(target, options).connect(name, systemClock)
  const said: string[] = []
  const messages: string[] = []
  const changes: (readonly string[] | 'all')[] = []
  const losses: string[] = []
  const heardAtMs: number[] = []
  store.start({
    ready: (server) => said.push(`ready ${server}`),
    unready: (reason) => said.push(`unready ${reason.message}`),
    notice: (code) => said.push(`notice ${code}`),
  })
  const events: BusEvents = {
    message: (bytes) => messages.push(Buffer.from(bytes).toString()),
    changed: (keys) => changes.push(keys),
    heard: (sentAtMs) => heardAtMs.push(sentAtMs),
    lost: (reason) => losses.push(reason),
  }
  bus?.start(name, events, systemClock)
  return {
    store,
    bus: bus as Bus,
    said,
    messages,
    changes,
    losses,
    heardAtMs,
    announce: async (text) => void (await store.apply([], Buffer.from(text))),
    caughtUp: async () => {
      const fromMs = systemClock.nowMs()
      await waitFor('the bus catching up', () => (heardAtMs.at(-1) ?? 0) >= fromMs)
    },
    close: async () => void (await Promise.all([bus?.close(), store.close()])),
  }
}

const STATES = { lease: 0, live: 1, softlyExpired: 2, fence: 3 } as const

/** A stamp of 16 bytes, followed by a body if there is one. */
export function stamped(state: keyof typeof STATES, tag: string, body = ''): Buffer {
  return Buffer.concat([Buffer.from([0xc7, 0x1e, 1, STATES[state]]), Buffer.alloc(12, tag), Buffer.from(body)])
}
