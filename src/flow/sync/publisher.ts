// Tells L2 and the other processes of changes, the one in the way of the store, the others in the way of the bus.
import { CacheError } from '../../model/errors.js'
import type { Bus, ChangeResult, Clock, Milliseconds } from '../../model/ports.js'
import { type RemoteTier, UNAVAILABLE } from '../../tiers/remote-tier.js'
import { type AnnouncementPart, partsOf, prefixAnnouncement } from './announcement-parts.js'
import type { PendingChange } from './pending-change.js'

/** Whether L2 is asked as everybody does, or by the recovery, while the breaker keeps everybody else out. */
export type PublishPhase = 'work' | 'recovery'

/** A bus of the user's may never settle. */
const PUBLISH_LIMIT_MS: Milliseconds = 1_000

export class Publisher {
  constructor(
    private readonly sender: string,
    private readonly l2: RemoteTier | undefined,
    private readonly bus: Bus | undefined,
    private readonly clock: Clock,
  ) {}

  /** Whether there is anybody to tell. */
  get hasListeners(): boolean {
    return this.l2 !== undefined || this.bus !== undefined
  }

  /**
   * Applies the changes, then announces them, in one message unless that would be too large: then in parts, one after the other. Results
   * in their order: `undefined` for what L2 confirmed. Never rejects.
   */
  async publish(pending: readonly PendingChange[], phase: PublishPhase): Promise<readonly ChangeResult[]> {
    if (pending.length === 0) return []
    const parts = partsOf(this.sender, pending)
    if (parts.length === 1) return this.#publishPart(parts[0] as AnnouncementPart, phase)
    const results: ChangeResult[] = []
    for (const part of parts) results.push(...(await this.#publishPart(part, phase)))
    return results
  }

  async #publishPart(
    { pending, announcement }: AnnouncementPart,
    phase: PublishPhase,
  ): Promise<readonly ChangeResult[]> {
    const withStore = this.bus?.announces === 'store' ? announcement : undefined
    const changes = pending.map(({ change }) => change)
    let results: readonly ChangeResult[] = pending.map(() => undefined)
    if (this.l2 !== undefined) {
      const answer =
        phase === 'work' ? await this.l2.apply(changes, withStore) : await this.l2.applyInRecovery(changes, withStore)
      results = answer === UNAVAILABLE ? pending.map(() => NOT_TOLD) : answer
    }
    if (this.bus?.announces !== 'publish') return results
    // Announced also when L2 was not reached: the other processes forget at once, and once more when it is told at last.
    const problem = await this.#sendOverBus(this.bus, announcement)
    if (problem === undefined || this.l2 === undefined) return results
    return results.map((result) => result ?? problem)
  }

  /** Tells the other processes that every key with this beginning was deleted; `false`: they may not hear of it. */
  async publishPrefix(localPrefix: string): Promise<boolean> {
    const announcement = prefixAnnouncement(this.sender, localPrefix)
    if (this.bus?.announces === 'publish') return (await this.#sendOverBus(this.bus, announcement)) === undefined
    if (this.bus?.announces !== 'store' || this.l2 === undefined) return true
    return (await this.l2.apply([], announcement)) !== UNAVAILABLE
  }

  #sendOverBus(bus: Bus, announcement: Uint8Array): Promise<Error | undefined> {
    return new Promise((resolve) => {
      const late = () =>
        resolve(new CacheError('L2_TIMEOUT', `expected the bus to publish within ${PUBLISH_LIMIT_MS} ms`))
      const cancel = this.clock.after(PUBLISH_LIMIT_MS, late)
      const end = (problem: unknown) => {
        cancel()
        resolve(problem === undefined || problem instanceof Error ? problem : new Error(String(problem)))
      }
      try {
        bus.publish(announcement).then(
          () => end(undefined),
          (error: unknown) => end(error ?? NOT_TOLD),
        )
      } catch (error) {
        end(error ?? NOT_TOLD)
      }
    })
  }
}

const NOT_TOLD = new Error('L2 could not be told')
