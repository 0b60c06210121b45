// What the bus tells this process, put into effect.

import { type Announcement, decodeAnnouncement } from '../../codec/announcement.js'
import type { AtMs } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { decodeStoreKey, isHashedStoreKey } from '../../model/keys/key.js'
import type { Label } from '../../model/labels.js'
import type { BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import type { Recorder } from '../runtime/recorder.js'
import type { LocalState } from '../state/local-state.js'
import type { Journal } from './journal.js'

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
    private readonly journal: Journal,
    private readonly recorder: Recorder,
  ) {}

  message(bytes: Bytes): void {
    this.#guarded(() => {
      const said = decodeAnnouncement(bytes)
      if (typeof said === 'string') this.#ignore(said)
      else if (said.sender !== this.sender) this.#apply(said)
    })
  }

  #apply(said: Announcement): void {
    for (const key of said.keys) this.local.forgetKey(key)
    for (const key of said.expiredKeys) this.local.expireKey(key)
    const expiredLabels = said.expiredLabels.map(([label]) => label)
    this.local.forgetLabels(new Set(said.labels))
    this.local.expireLabels(new Set(expiredLabels))
    if (said.prefixes.length > 0) {
      this.local.forgetPrefixes(said.prefixes)
      this.journal.prefixesOvertaken(said.prefixes)
    }
    this.journal.overtaken([...said.keys, ...said.expiredKeys], [...said.labels, ...expiredLabels])
    this.recorder.invalidatedElsewhere(this.name, said)
  }

  /** Somebody said something that this release cannot read: only asking L2 again is safe. */
  #ignore(got: string, cause?: unknown): void {
    const message = `expected an announcement of this cache; got ${got}. It was ignored`
    this.#mayHaveMissedSome()
    this.recorder.messageIgnored(new CacheError('BUS_MESSAGE_INVALID', message, { cause }))
  }

  #mayHaveMissedSome(): void {
    this.local.loseTrack()
    this.journal.busLost()
  }

  /** Whatever a bus hands over, nothing is thrown back into it: what a bus does then would be the end of its listening. */
  #guarded(take: () => void): void {
    try {
      take()
    } catch (error) {
      this.#ignore('one that could not be applied', error)
    }
  }

  changed(storeKeys: readonly string[] | 'all'): void {
    this.#guarded(() => {
      if (storeKeys === 'all') this.lost('the server dropped everything')
      else if (!isStrings(storeKeys)) this.#ignore('changed keys that are not strings')
      else if (this.#take(storeKeys) === 'lost') this.lost('a key that cannot be told from its hash was changed')
    })
  }

  #take(storeKeys: readonly string[]): 'taken' | 'lost' {
    const labels = new Set<Label>()
    let result: 'taken' | 'lost' = 'taken'
    for (const storeKey of storeKeys) {
      const named = decodeStoreKey(storeKey, this.name)
      if (typeof named === 'string') {
        this.local.unverifyKey(named)
        // Whether it was this process's own write cannot be told, so nothing is said to the recovery.
      } else if (named !== undefined) {
        labels.add(named.label)
      } else if (isHashedStoreKey(storeKey)) result = 'lost'
    }
    this.local.forgetLabels(labels)
    return result
  }

  heard(sentAtMs: number): void {
    if (typeof sentAtMs !== 'number' || Number.isNaN(sentAtMs)) {
      this.#ignore('a proof without its time')
      return
    }
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
    this.#mayHaveMissedSome()
    // When listening begins nothing was lost that anybody relied on.
    if (!this.#wasHeard) return
    this.#lostSinceMs ??= this.#heardAtMs
    this.recorder.busLost(typeof reason === 'string' ? reason : 'the bus did not say why')
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

function isStrings(keys: unknown): keys is readonly string[] {
  return Array.isArray(keys) && keys.every((key) => typeof key === 'string')
}
