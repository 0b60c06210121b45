// Publishes changes: applies them to L2, and announces them to the other processes through the store or the bus.
import { CacheError } from '../../model/errors.js'
import type { Bus, Bytes, ChangeResult, Clock, Milliseconds } from '../../model/ports.js'
import { type RemoteTier, UNAVAILABLE, type Unavailable } from '../../tiers/remote-tier.js'
import { type AnnouncementPart, partsOf, prefixAnnouncement } from './announcement-parts.js'
import type { PendingChange, SwappedKey } from './pending-change.js'

/** `'replay'` publishes to L2 while the breaker still keeps all other operations out. */
export type PublishMode = 'normal' | 'replay'

/** A user's own bus may never settle. */
const PUBLISH_LIMIT_MS: Milliseconds = 1_000

export class Publisher {
  constructor(
    private readonly sender: string,
    private readonly l2: RemoteTier | undefined,
    private readonly bus: Bus | undefined,
    private readonly clock: Clock,
  ) {}

  /** Whether there is an L2 or a bus to publish to. */
  get hasListeners(): boolean {
    return this.l2 !== undefined || this.bus !== undefined
  }

  /**
   * Applies the changes, then announces them, in one message or, if that would be too large, in parts, one after the other. Returns
   * results in their order: `undefined` for what L2 confirmed. Never rejects.
   */
  async publish(pending: readonly PendingChange[], mode: PublishMode): Promise<readonly ChangeResult[]> {
    if (pending.length === 0) return []
    const parts = partsOf(this.sender, pending)
    if (parts.length === 1) return this.#publishPart(parts[0] as AnnouncementPart, mode)
    const results: ChangeResult[] = []
    for (const part of parts) results.push(...(await this.#publishPart(part, mode)))
    return results
  }

  async #publishPart({ pending, announcement }: AnnouncementPart, mode: PublishMode): Promise<readonly ChangeResult[]> {
    const withStore = this.bus?.announces === 'store' ? announcement : undefined
    const results: readonly ChangeResult[] =
      this.l2 === undefined ? pending.map(() => undefined) : await applyTo(this.l2, pending, withStore, mode)
    if (this.bus?.announces !== 'publish') return results
    // Announced even if L2 was not reached: the other processes forget at once, and once more when the replay publishes it.
    const problem = await this.#sendOverBus(this.bus, announcement)
    if (problem === undefined || this.l2 === undefined) return results
    return results.map((result) => result ?? problem)
  }

  /** Announces that every key with this prefix was deleted; `false` if the announcement may not arrive. */
  async publishPrefix(localPrefix: string): Promise<boolean> {
    const announcement = prefixAnnouncement(this.sender, localPrefix)
    if (this.bus?.announces === 'publish') return (await this.#sendOverBus(this.bus, announcement)) === undefined
    if (this.bus?.announces !== 'store' || this.l2 === undefined) return true
    return (await this.l2.apply([], announcement)) !== UNAVAILABLE
  }

  #sendOverBus(bus: Bus, announcement: Uint8Array): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const late = () =>
        resolve(new CacheError('L2_TIMEOUT', `expected the bus to publish within ${PUBLISH_LIMIT_MS} ms; it did not`))
      const cancel = this.clock.after(PUBLISH_LIMIT_MS, late)
      const end = (problem: unknown) => {
        cancel()
        resolve(problem === undefined || problem instanceof Error ? problem : new Error(String(problem)))
      }
      try {
        bus.publish(announcement).then(
          () => end(undefined),
          (error: unknown) => end(error ?? NOT_PUBLISHED),
        )
      } catch (error) {
        end(error ?? NOT_PUBLISHED)
      }
    })
  }
}

/**
 * Applies the changes to L2 and announces them there. Swaps are executed already, or are sent again before the announcement, so that no
 * process that hears it can still read what they replace.
 */
async function applyTo(
  l2: RemoteTier,
  pending: readonly PendingChange[],
  announcement: Bytes | undefined,
  mode: PublishMode,
): Promise<readonly ChangeResult[]> {
  const changes = pending.flatMap(({ change }) => (change.op === 'swapped' ? [] : [change]))
  const hasSwaps = changes.length < pending.length
  const unsettled = hasSwaps ? await unsettledSwaps(l2, pending, mode) : undefined
  let reply: readonly ChangeResult[] | Unavailable = []
  if (changes.length > 0 || announcement !== undefined) {
    reply = mode === 'normal' ? await l2.apply(changes, announcement) : await l2.applyInRecovery(changes, announcement)
  }
  if (reply === UNAVAILABLE) return pending.map(() => NOT_PUBLISHED)
  if (!hasSwaps) return reply
  // If the announcement failed, no change counts as applied.
  const isAnnounced = changes.length === 0 || reply.includes(undefined)
  const results = reply.values()
  return pending.map((one) => {
    if (one.change.op !== 'swapped') return results.next().value
    return isAnnounced && unsettled?.has(one) === false ? undefined : NOT_PUBLISHED
  })
}

/** Sends the swaps again whose reply was lost. Returns those that L2 has not replied to now either. */
async function unsettledSwaps(
  l2: RemoteTier,
  pending: readonly PendingChange[],
  mode: PublishMode,
): Promise<ReadonlySet<PendingChange>> {
  const unsettled = new Set<PendingChange>()
  for (const one of pending) {
    if (one.change.op === 'swapped' && !(await isSettled(l2, one.change, mode))) unsettled.add(one)
  }
  return unsettled
}

async function isSettled(l2: RemoteTier, { key, again }: SwappedKey, mode: PublishMode): Promise<boolean> {
  if (again === undefined) return true
  const { expected, next, keepMs } = again
  const swap = mode === 'normal' ? l2.swap(key, expected, next, keepMs) : l2.swapInRecovery(key, again)
  return (await swap) !== UNAVAILABLE
}

const NOT_PUBLISHED = new Error('the change could not be published')
