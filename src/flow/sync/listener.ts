// Applies what the bus delivers to this process.

import { type Announcement, decodeAnnouncement } from '../../codec/announcement.js'
import type { AtMs } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { decodeStoreKey, isHashedStoreKey } from '../../model/keys/key.js'
import type { Label } from '../../model/labels.js'
import type { BusEvents, Bytes, Clock, Milliseconds } from '../../model/ports.js'
import type { Recorder } from '../events/recorder.js'
import type { LocalState } from '../state/local-state.js'
import type { Journal } from './journal.js'

/** Applies announcements; each is safe to apply twice. */
export class BusListener implements BusEvents {
  #wasHeard = false
  #isDistrusted = false
  #heardAtMs: AtMs | undefined
  /** When the bus was last heard before announcements may have been missed; `undefined` if none may have been. */
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
      const announcement = decodeAnnouncement(bytes)
      if (typeof announcement === 'string') this.#ignore(announcement)
      else if (announcement.sender !== this.sender) this.#apply(announcement)
    })
  }

  #apply(announcement: Announcement): void {
    const { keys, expiredKeys, labels, prefixes, heldKeys, heldLabels } = announcement
    // Counted from now: at worst they end later here than elsewhere.
    for (const [key, holdMs] of heldKeys) this.local.holdKeys([key], holdMs)
    for (const [label, holdMs] of heldLabels) this.local.holdLabels([label], holdMs)
    for (const key of keys) this.local.forgetKey(key)
    for (const key of expiredKeys) this.local.expireKey(key)
    const expiredLabels = announcement.expiredLabels.map(([label]) => label)
    this.local.forgetLabels(new Set(labels))
    this.local.expireLabels(new Set(expiredLabels))
    if (prefixes.length > 0) {
      this.local.forgetPrefixes(prefixes)
      this.journal.prefixesOvertaken(prefixes)
    }
    this.journal.overtaken([...keys, ...expiredKeys], [...labels, ...expiredLabels])
    this.recorder.invalidatedElsewhere(this.name, announcement)
  }

  /** A message that this release cannot read may have been an announcement: everything must be verified against L2. */
  #ignore(got: string, cause?: unknown): void {
    const message = `expected an announcement of this cache; got ${got}. It was ignored`
    this.#mayHaveMissedSome()
    this.recorder.messageIgnored(new CacheError('BUS_MESSAGE_INVALID', message, { cause }))
  }

  #mayHaveMissedSome(): void {
    this.local.loseTrack()
    this.journal.busLost()
  }

  /** Nothing is thrown back into a bus, whatever it delivers: an error could end its listening. */
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
      else if (this.#take(storeKeys) === 'lost') this.lost('a key of which only the hash is known was changed')
    })
  }

  #take(storeKeys: readonly string[]): 'taken' | 'lost' {
    const labels = new Set<Label>()
    let result: 'taken' | 'lost' = 'taken'
    for (const storeKey of storeKeys) {
      const named = decodeStoreKey(storeKey, this.name)
      if (typeof named === 'string') {
        this.local.unverifyKey(named)
        // It may have been this process's own write, so the journal is left alone.
      } else if (named !== undefined) {
        labels.add(named.label)
      } else if (isHashedStoreKey(storeKey)) result = 'lost'
    }
    this.local.forgetLabels(labels)
    return result
  }

  heard(sentAtMs: number): void {
    if (typeof sentAtMs !== 'number' || Number.isNaN(sentAtMs)) {
      this.#ignore('a proof of delivery without a valid time')
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

  /** Ends the trust in L1 for good: from now on every read takes the slow path, where a closed cache refuses it. */
  distrust(): void {
    this.#isDistrusted = true
    this.local.tokens.distrust()
  }

  lost(reason: string): void {
    this.#mayHaveMissedSome()
    // Before the bus was heard for the first time, nothing relied on it.
    if (!this.#wasHeard) return
    this.#lostSinceMs ??= this.#heardAtMs
    this.recorder.busLost(typeof reason === 'string' ? reason : 'the bus did not say why')
  }

  /** Whether everything announced before `fromMs` (on the clock of the bus) is delivered within `limitMs`. */
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
