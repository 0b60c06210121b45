// Recent history for `explain`: which process changed what, which values were not kept and why, and why L2 is not used.

import type { Announcement } from '../../codec/announcement.js'
import type { AtMs } from '../../model/entry.js'
import type { InvalidatedEvent } from '../../model/events/events.js'
import type { NotKept } from '../../model/events/store-outcome.js'
import { isTag, type Label } from '../../model/labels.js'

/** One invalidation or write of a key, a label, or all keys of a prefix. */
export interface PastChange {
  readonly by: InvalidatedEvent['by']
  /** The process that announced it; `undefined` if it was this process. */
  readonly sender: string | undefined
  readonly atMs: AtMs
}

/** What went wrong with the value of a key. */
export interface PastTrouble {
  readonly what: NotKept | 'loadFailed' | 'corrupt'
  readonly error: Error | undefined
  readonly atMs: AtMs
}

const MAX_SUBJECTS = 1_000
const MAX_PREFIXES = 100
/** Longer keys and labels are not remembered: a thousand of them would take too much memory. */
const LONGEST_CHARACTERS = 1_000

/** Every part is bounded and drops its oldest. What is forgotten cannot be explained; nothing else depends on it. */
export class History {
  readonly #changes = new Map<string, PastChange>()
  readonly #prefixes = new Map<string, PastChange>()
  readonly #troubles = new Map<string, PastTrouble>()
  /** Why L2 is not used; `undefined` while it is used. */
  outage: Error | undefined

  changedHere(by: PastChange['by'], changes: readonly { readonly subject: string }[], atMs: AtMs): void {
    const past: PastChange = { by, sender: undefined, atMs }
    for (const { subject } of changes) this.#note(subject, past)
  }

  prefixDeleted(localPrefix: string, sender: string | undefined, atMs: AtMs): void {
    remember(this.#prefixes, localPrefix, { by: 'deleteByPrefix', sender, atMs }, MAX_PREFIXES)
  }

  changedElsewhere(announcement: Announcement, atMs: AtMs): void {
    const { sender } = announcement
    // Deleted and overwritten keys are announced alike.
    for (const key of announcement.keys) this.#note(key, { by: 'unknown', sender, atMs })
    for (const key of announcement.expiredKeys) this.#note(key, { by: 'expire', sender, atMs })
    for (const label of announcement.labels) {
      this.#note(label, { by: isTag(label) ? 'invalidateTags' : 'clear', sender, atMs })
    }
    for (const [label] of announcement.expiredLabels) {
      this.#note(label, { by: isTag(label) ? 'expireTags' : 'expireAll', sender, atMs })
    }
    for (const prefix of announcement.prefixes) this.prefixDeleted(prefix, sender, atMs)
  }

  trouble(localKey: string, what: PastTrouble['what'], error: Error | undefined, atMs: AtMs): void {
    remember(this.#troubles, localKey, { what, error, atMs }, MAX_SUBJECTS)
  }

  get hasTroubles(): boolean {
    return this.#troubles.size > 0
  }

  /** A value of the key was stored, so earlier trouble is over. */
  stored(localKey: string): void {
    if (this.hasTroubles) this.#troubles.delete(localKey)
  }

  /** The latest change of a key, either of the key itself or of one of its prefixes. */
  changeOfKey(localKey: string): PastChange | undefined {
    let latest = this.#changes.get(localKey)
    for (const [prefix, past] of this.#prefixes) {
      if (localKey.startsWith(prefix) && (latest === undefined || past.atMs >= latest.atMs)) latest = past
    }
    return latest
  }

  changeOfLabel(label: Label): PastChange | undefined {
    return this.#changes.get(label)
  }

  troubleOf(localKey: string): PastTrouble | undefined {
    return this.#troubles.get(localKey)
  }

  #note(subject: string, past: PastChange): void {
    remember(this.#changes, subject, past, MAX_SUBJECTS)
    if (past.by === 'set') this.stored(subject)
  }
}

function remember<T>(past: Map<string, T>, subject: string, what: T, max: number): void {
  if (subject.length > LONGEST_CHARACTERS) return
  past.delete(subject)
  if (past.size >= max) {
    const [oldest] = past.keys()
    past.delete(oldest as string)
  }
  past.set(subject, what)
}
