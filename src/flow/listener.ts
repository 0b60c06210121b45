// What the bus tells this process, put into effect.
import type { AtMs } from '../model/entry.js'
import { CacheError } from '../model/errors.js'
import { decodeStoreKey, isHashedStoreKey } from '../model/key.js'
import type { BusEvents, Bytes, Clock, Milliseconds } from '../model/ports.js'
import { decodeAnnouncement } from './announcement.js'
import type { LocalState } from './local-state.js'
import type { Recorder } from './recorder.js'
import type { Recovery } from './recovery.js'

/** Applies announcements; each is safe to apply twice. */
export class BusListener implements BusEvents {
  #wasHeard = false
  #isDistrusted = false
  #heardAtMs: AtMs | undefined
  /** When it was last heard before announcements may have been missed. */
  #lostSinceMs: AtMs | undefined
  #heardWaiters: { readonly fromMs: number; readonly resolve: () => void }[] = []

  constructor(
    private readonly name: string,
    private readonly sender: string,
    private readonly local: LocalState,
    private readonly recovery: Recovery,
    private readonly recorder: Recorder,
  ) {}

  message(bytes: Bytes): void {
    const said = decodeAnnouncement(bytes)
    if (typeof said === 'string') {
      this.recorder.messageIgnored(
        new CacheError('BUS_MESSAGE_INVALID', `expected an announcement of this cache; got ${said}. It was ignored`),
      )
      // Somebody said something that this release cannot read: only asking L2 again is safe.
      this.local.loseTrack()
      return
    }
    if (said.sender === this.sender) return
    for (const key of said.keys) this.local.forgetKey(key)
    for (const key of said.expiredKeys) this.local.expireKey(key)
    for (const label of said.labels) this.local.forgetLabel(label)
    for (const [label] of said.expiredLabels) this.local.expireLabel(label)
    for (const prefix of said.prefixes) {
      this.local.forgetPrefix(prefix)
      this.recovery.prefixOvertaken(prefix)
    }
    const labels = [...said.labels, ...said.expiredLabels.map(([label]) => label)]
    this.recovery.overtaken([...said.keys, ...said.expiredKeys], labels)
    this.recorder.invalidatedElsewhere(this.name, said)
  }

  changed(storeKeys: readonly string[] | 'all'): void {
    if (storeKeys === 'all') {
      this.lost('the server dropped everything')
      return
    }
    for (const storeKey of storeKeys) {
      const named = decodeStoreKey(storeKey, this.name)
      if (typeof named === 'string') {
        this.local.unverifyKey(named)
        // Whether it was this process's own write cannot be told, so nothing is said to the recovery.
      } else if (named !== undefined) {
        this.local.forgetLabel(named.label)
      } else if (isHashedStoreKey(storeKey)) this.lost('a key that cannot be told from its hash was changed')
    }
  }

  heard(sentAtMs: number): void {
    this.#wasHeard = true
    if (!this.#isDistrusted) this.local.tokens.heard(sentAtMs)
    this.#heardAtMs = sentAtMs
    if (this.#lostSinceMs !== undefined) this.recorder.busRecovered(Math.max(0, sentAtMs - this.#lostSinceMs))
    this.#lostSinceMs = undefined
    const waiting = this.#heardWaiters
    if (waiting.length === 0) return
    this.#heardWaiters = waiting.filter(({ fromMs }) => sentAtMs < fromMs)
    for (const waiter of waiting) if (sentAtMs >= waiter.fromMs) waiter.resolve()
  }

  /** Ends the trust in L1 for good: every hit takes the long way from now on, where a closed cache refuses it. */
  distrust(): void {
    this.#isDistrusted = true
    this.local.tokens.trustedUntilMs = Number.NEGATIVE_INFINITY
  }

  lost(reason: string): void {
    this.local.loseTrack()
    this.recovery.busLost()
    // When listening begins nothing was lost that anybody relied on.
    if (!this.#wasHeard) return
    this.#lostSinceMs ??= this.#heardAtMs
    this.recorder.busLost(reason)
  }

  /** Whether everything announced before `fromMs` (on the clock that the bus has) was delivered, within `limitMs`. */
  caughtUp(fromMs: AtMs, clock: Clock, limitMs: Milliseconds): Promise<boolean> {
    return new Promise((resolve) => {
      const waiter = {
        fromMs,
        resolve: () => {
          cancel()
          resolve(true)
        },
      }
      const cancel = clock.after(limitMs, () => {
        this.#heardWaiters = this.#heardWaiters.filter((other) => other !== waiter)
        resolve(false)
      })
      this.#heardWaiters.push(waiter)
    })
  }
}
