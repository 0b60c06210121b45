// The bench of a conformance case: opens processes, records what they report, and closes them at the end.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import type { Bus, BusEvents, Bytes, RemoteStore, StoreEvents } from '../../model/ports.js'
import type { Capability, ConformanceCase, ConformanceContext, Peer } from './case.js'

/** A life that is over after `PAST_SHORT_LIFE_MS`, but long enough for a slow machine to send two commands first. */
export const SHORT_LIFE_MS = 1_500
export const PAST_SHORT_LIFE_MS = 1_900
export const LONG_LIFE_MS = 60_000

/** Longer than anything that a case waits for. */
const WAIT_LIMIT_MS = 15_000
const POLL_MS = 20

/** A started store and what it reported. */
export interface OpenStore {
  readonly store: RemoteStore
  readonly reports: string[]
  readonly peer: Peer
}

/** A bus that is heard, with everything that it reported. */
export interface OpenBus {
  readonly bus: Bus
  readonly peer: Peer
  readonly messages: Buffer[]
  readonly changes: (readonly string[] | 'all')[]
  readonly heardAtMs: number[]
  readonly losses: string[]
  /** Everything reported, in order. */
  readonly story: string[]
  /** Announces in the way that this bus needs. */
  announce(bytes: Bytes): Promise<void>
}

export class Bench {
  readonly name: string
  private readonly peers: Peer[] = []

  constructor(readonly context: ConformanceContext) {
    this.name = context.prefix
  }

  key(suffix: string | number = 'k'): string {
    return `${this.context.prefix}:${suffix}`
  }

  label(suffix: string | number = 'l'): string {
    return `t:${this.context.prefix}${suffix}`
  }

  sleep(ms: number): Promise<void> {
    return this.context.sleep(ms)
  }

  /** Waits until `condition` holds, and fails after `WAIT_LIMIT_MS`. */
  async until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
    for (let waitedMs = 0; !(await condition()); waitedMs += POLL_MS) {
      assert.ok(waitedMs < WAIT_LIMIT_MS, `expected within ${WAIT_LIMIT_MS} ms: ${what}`)
      await this.sleep(POLL_MS)
    }
  }

  async connect(name = this.name): Promise<Peer> {
    const peer = await this.context.connect(name)
    this.peers.push(peer)
    return peer
  }

  async openStore(): Promise<OpenStore> {
    const peer = await this.connect()
    return { peer, ...(await this.startStore(peer)) }
  }

  private async startStore(peer: Peer): Promise<{ store: RemoteStore; reports: string[] }> {
    const { store } = peer
    assert.ok(store, 'expected connect() to give a store')
    const reports: string[] = []
    store.start(reporting(reports))
    await store.whenReady(AbortSignal.timeout(WAIT_LIMIT_MS))
    return { store, reports }
  }

  /** A bus of `name` that has been heard, so it misses nothing from now on. */
  async openBus(name = this.name): Promise<OpenBus> {
    const peer = await this.connect(name)
    const { bus } = peer
    assert.ok(bus, 'expected connect() to give a bus')
    const store = peer.store && (await this.startStore(peer)).store
    const open = listening(bus, peer, store)
    bus.start(name, open.events, this.context.clock)
    await this.until('the bus is heard', () => open.heardAtMs.length > 0)
    // A bus may report that it missed what came before it listened.
    open.losses.length = 0
    open.story.length = 0
    return open
  }

  /** Closes every store and bus, each of which must end by itself. */
  async close(): Promise<void> {
    for (const { bus, store } of this.peers) await Promise.all([bus?.close(), store?.close()])
  }
}

/** A case that uses a bench. */
export function conformanceCase(
  name: string,
  needs: readonly Capability[],
  work: (bench: Bench) => Promise<void>,
): ConformanceCase {
  const run = async (context: ConformanceContext): Promise<void> => {
    const bench = new Bench(context)
    try {
      await work(bench)
    } finally {
      await bench.close()
    }
  }
  return { name, needs, run }
}

/** The states of a stamp that a store distinguishes. */
export type StampState = 'lease' | 'live' | 'softlyExpired' | 'fence'

const STATES: readonly StampState[] = ['lease', 'live', 'softlyExpired', 'fence']

/** A fresh stamp: 16 bytes that no other value begins with. */
export function newStamp(state: StampState): Buffer {
  return Buffer.concat([Buffer.from([0xc7, 0x1e, 1, STATES.indexOf(state)]), randomBytes(12)])
}

/** A stamp followed by a body. */
export function newEntry(body: Bytes | string = 'body', stamp: Buffer = newStamp('live')): Buffer {
  return Buffer.concat([stamp, typeof body === 'string' ? Buffer.from(body) : body])
}

/** Compares bytes whatever class they come in; `undefined` equals `undefined`. */
export function assertBytes(actual: Bytes | undefined, expected: Bytes | undefined, message?: string): void {
  assert.equal(hexOf(actual), hexOf(expected), message)
}

export function beginsWith(bytes: Bytes, beginning: Bytes): boolean {
  return hexOf(bytes.subarray(0, beginning.length)) === hexOf(beginning)
}

export function assertBeginsWith(bytes: Bytes, beginning: Bytes): void {
  assertBytes(bytes.subarray(0, beginning.length), beginning)
}

/** Every change of an `apply` was applied. */
export function assertApplied(results: readonly (Error | undefined)[], count: number): void {
  assert.deepEqual(
    results.map((result) => result?.message),
    Array.from({ length: count }, () => undefined),
  )
}

function hexOf(bytes: Bytes | undefined): string | undefined {
  return bytes && Buffer.from(bytes).toString('hex')
}

function reporting(reports: string[]): StoreEvents {
  return {
    ready: (server) => reports.push(`ready ${server}`),
    unready: () => reports.push('unready'),
    notice: () => {},
  }
}

function listening(bus: Bus, peer: Peer, store: RemoteStore | undefined): OpenBus & { readonly events: BusEvents } {
  const messages: Buffer[] = []
  const changes: (readonly string[] | 'all')[] = []
  const heardAtMs: number[] = []
  const losses: string[] = []
  const story: string[] = []
  const events: BusEvents = {
    message: (bytes) => {
      messages.push(Buffer.from(bytes))
      story.push(`message ${Buffer.from(bytes).toString('latin1')}`)
    },
    changed: (keys) => void changes.push(keys),
    heard: (sentAtMs) => void heardAtMs.push(sentAtMs),
    lost: (reason) => {
      losses.push(reason)
      story.push('lost')
    },
  }
  const announce = async (bytes: Bytes): Promise<void> => {
    if (bus.announces === 'publish') return bus.publish(bytes)
    assert.ok(store, "expected connect() to give a store to a bus that does not announce by 'publish'")
    await store.apply([], bytes)
  }
  return { bus, peer, messages, changes, heardAtMs, losses, story, events, announce }
}
