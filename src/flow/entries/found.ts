// What was found in L2 under a key.
import type { StoredEntry } from '../../codec/entry-codec.js'
import type { Entry } from '../../model/entry.js'
import type { LabelSet } from '../../model/labels.js'
import type { Bytes } from '../../model/ports.js'

/** What stands in L2 under a key, judged. */
export type Found =
  /** A usable entry, whose age `ageOf` returns. Its `stamp` is the fence of a load that replaces it. */
  | FoundEntry
  | { readonly kind: 'absent' }
  /** The lease of a load that can be waited for. `stamp` is the whole lease. */
  | { readonly kind: 'leased'; readonly stamp: Bytes }
  /** A write fence: the source of truth is being changed, or the key is held. So what is loaded now may be kept nowhere. */
  | { readonly kind: 'fenced'; readonly isHold: boolean }
  /** Outdated, invalidated, damaged or foreign: not served. It may be replaced while it still begins with `stamp`. */
  | UnusableFound
  /** Written by a later release: neither served nor replaced. */
  | { readonly kind: 'later-format' }
  | { readonly kind: 'unavailable' }

/** `labels` are those of an entry that was invalidated or soft-expired. */
export interface UnusableFound {
  readonly kind: 'unusable'
  readonly stamp: Bytes | undefined
  readonly labels?: LabelSet
}

export class FoundEntry {
  readonly kind = 'entry'

  constructor(
    readonly entry: Entry,
    private readonly opened: StoredEntry,
  ) {}

  /** Copied only when it is needed: most entries are served without it. */
  get stamp(): Bytes {
    return this.opened.stamp
  }

  /** Its weight in L1. */
  get bytes(): number {
    return this.opened.weightBytes
  }
}

export const NOT_ASKED: Found = { kind: 'unavailable' }
export const ABSENT: Found = { kind: 'absent' }
export const FENCED: Found = { kind: 'fenced', isHold: false }
export const HELD: Found = { kind: 'fenced', isHold: true }
export const LATER_FORMAT: Found = { kind: 'later-format' }
