// Renews the idle life of entries that are read: in this process at once, in L2 in the background.
import type { AtMs, Entry, IdleLife } from '../../model/entry.js'
import { storeKeyOf } from '../../model/keys/key.js'
import type { Clock } from '../../model/ports.js'
import type { MemoryTier } from '../../tiers/memory-tier.js'
import { UNAVAILABLE, type Unavailable } from '../../tiers/operation.js'
import type { RemoteTier } from '../../tiers/remote-tier.js'
import type { Background } from '../runtime/background.js'

/** How many touched keys are remembered for reads of L2. A forgotten one is touched once more. */
const MAX_RECENT = 10_000

/** The parts of a cache that touches need. */
export interface TouchParts {
  /** The name of the cache. */
  readonly name: string
  readonly clock: Pick<Clock, 'nowMs'>
  readonly l1: MemoryTier | undefined
  readonly tier: RemoteTier | undefined
  readonly background: Background
}

/**
 * A touch in L2 is `RemoteStore.extend`: it sets what is left of the key's life if the key still begins with the stamp of the entry that
 * was read. So a touch that is repeated, or executed late, is harmless:
 *
 * - A key that is gone stays gone: there is nothing to extend. A value that replaced the entry has another stamp, and so has an entry
 *   that was soft-expired. No stamp comes back (G1).
 * - It gives the key at most one idle life from its execution on, and never more than was left of the absolute life when it was sent. No
 *   entry is served beyond its absolute end, however long its key stands: readers judge it by its envelope.
 *
 * If L2 refuses a touch, the entry is gone or was replaced there: this process verifies its own before it serves it again. If L2 cannot
 * be reached, this process keeps its entry as long as it is read (G6).
 */
export class Touches {
  /** When this process touched a key in L2: a copy that is read from there again does not know it. */
  readonly #recent = new Map<string, AtMs>()

  constructor(private readonly parts: TouchParts) {}

  /**
   * A caller gets the value of `entry`. Costs one command at most once per tenth of the idle life; those of one tick are sent together.
   */
  read(localKey: string, entry: Entry): void {
    const { idle } = entry
    if (idle === undefined) return
    const nowMs = this.#nowMs()
    if (nowMs < idle.dueAtMs) return
    const touchedAtMs = this.#recent.get(localKey)
    if (touchedAtMs !== undefined && nowMs < touchedAtMs + idle.touchEveryMs) {
      entry.touch(touchedAtMs)
      return
    }
    const { tier, background } = this.parts
    if (tier === undefined || idle.stamp === undefined) {
      entry.touch(nowMs)
      return
    }
    const release = background.admitWrite(0)
    // Too many writes wait: the next read tries again.
    if (release === undefined) return
    entry.touch(nowMs)
    background.run('touch', () => this.#extend(tier, localKey, entry, nowMs).finally(release))
  }

  /** Touches `entry` now. Returns `false` if L2 has it no more. */
  async renew(localKey: string, entry: Entry): Promise<boolean> {
    const { idle } = entry
    const { tier, background } = this.parts
    if (idle === undefined) return true
    const nowMs = this.#nowMs()
    entry.touch(nowMs)
    if (tier === undefined || idle.stamp === undefined) return true
    return (await background.track(this.#extend(tier, localKey, entry, nowMs))) !== 'refused'
  }

  /** A value that had waited for L2 is stored there now: from here on, reads from L1 touch it there. */
  storedLate(localKey: string, bytes: Uint8Array): void {
    const idle = this.parts.l1?.peek(localKey)?.idle
    if (idle !== undefined && idle.stamp === undefined) idle.storedAs(bytes)
  }

  async #extend(
    tier: RemoteTier,
    localKey: string,
    entry: Entry,
    nowMs: AtMs,
  ): Promise<undefined | 'refused' | Unavailable> {
    const idle = entry.idle as IdleLife
    const stamp = idle.stamp as string
    const keepMs = idle.keepMs(nowMs)
    if (keepMs <= 0) return undefined
    if (this.#recent.size >= MAX_RECENT) this.#recent.clear()
    this.#recent.set(localKey, nowMs)
    const reply = await tier.extend(storeKeyOf(localKey, this.parts.name), Buffer.from(stamp, 'latin1'), keepMs)
    if (reply === 'refused' || reply === UNAVAILABLE) this.#recent.delete(localKey)
    // Invariant: what L2 does not have any more, L1 serves no longer. The next read asks L2.
    if (reply === 'refused') entry.unverify()
    return reply
  }

  /** Entries keep whole milliseconds. */
  #nowMs(): AtMs {
    return Math.floor(this.parts.clock.nowMs())
  }
}
