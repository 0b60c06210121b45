// Which keys and labels are held: until when no value of theirs that is loaded may be kept.
import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'

const MAX_HELD = 10_000
/** How many ends of one key or label are remembered. */
const MAX_ENDS = 32
/** How much later L2 may seem to end a hold than this process, which heard of it. */
const CLOCK_ERROR_MS = 1_000

/** The holds of one key or label. */
interface Held {
  /** When the last of them ends. */
  readonly endMs: AtMs
  /** When each of them ends or has ended, in order. Those of the past count: a load from before may still run, with labels that come late. */
  readonly ends: readonly AtMs[]
  /** Ends up to this one are no longer known. */
  readonly forgottenMs: AtMs
}

/**
 * The holds that this process knows: its own and those that were announced. It needs no L2 for them.
 *
 * Invariant: a value whose load began or ended while a hold of its key or of one of its labels lasted is kept nowhere. A load that began
 * before the hold was outdated by the invalidation itself. So one comparison remains: a hold that ends after the load began forbids its
 * value. The end of a hold is remembered after it has passed, since such loads may still run.
 *
 * The table is bounded. When it is full, what has ended goes first, then everything, and the latest end of what went becomes the *floor*:
 * everything counts as held until then. That can prevent a value from being kept, but never keeps a wrong one.
 */
export class Holds {
  readonly #keys = new Map<string, Held>()
  readonly #labels = new Map<Label, Held>()
  #floorMs: AtMs = Number.NEGATIVE_INFINITY
  /** Whatever ended up to this instant may be forgotten. */
  #forgottenMs: AtMs = Number.NEGATIVE_INFINITY
  /** The end of a hold in L2 of which this process has not heard: it began before the process did. Its label is not known. */
  #unheardEndMs: AtMs = Number.NEGATIVE_INFINITY
  /** The end of the last hold that it has heard of. */
  #lastEndMs: AtMs = Number.NEGATIVE_INFINITY

  get size(): number {
    return this.#keys.size + this.#labels.size
  }

  holdKey(localKey: string, untilMs: AtMs, nowMs: AtMs): void {
    this.#hold(this.#keys, localKey, untilMs, nowMs)
  }

  holdLabel(label: Label, untilMs: AtMs, nowMs: AtMs): void {
    this.#hold(this.#labels, label, untilMs, nowMs)
  }

  /** L2 says that some label is held until then. Its token says which one; only a load whose tags come late cannot tell. */
  heldInL2(untilMs: AtMs): void {
    if (untilMs > this.#lastEndMs + CLOCK_ERROR_MS) this.#unheardEndMs = Math.max(this.#unheardEndMs, untilMs)
  }

  /** A value was set under the key: it counts, and so does what is loaded later. */
  releaseKey(localKey: string): void {
    this.#keys.delete(localKey)
  }

  /**
   * The end of the latest hold of the key or of one of the labels, if it is later than `sinceMs`; else `undefined`. While there are no
   * holds, this takes one comparison.
   */
  endAfter(sinceMs: AtMs, localKey: string | undefined, labels: readonly Label[]): AtMs | undefined {
    if (this.#lastEndMs <= sinceMs) return undefined
    let endMs = this.#floorMs
    if (localKey !== undefined) endMs = Math.max(endMs, this.#keys.get(localKey)?.endMs ?? endMs)
    for (const label of labels) endMs = Math.max(endMs, this.#labels.get(label)?.endMs ?? endMs)
    return endMs > sinceMs ? endMs : undefined
  }

  /**
   * Whether a hold of the key or of one of the labels ended after `sinceMs` and not later than `nowMs`, also if another one of it lasts.
   * `true` for what is no longer known.
   */
  hasEndedSince(sinceMs: AtMs, nowMs: AtMs, localKey: string, labels: readonly Label[]): boolean {
    if (this.hasNoneSince(sinceMs)) return false
    const isWithin = (endMs: AtMs) => endMs > sinceMs && endMs <= nowMs
    const hasEnded = (held: Held | undefined) =>
      held !== undefined && (held.forgottenMs > sinceMs || held.ends.some(isWithin))
    return (
      this.#forgottenMs > sinceMs ||
      isWithin(this.#floorMs) ||
      isWithin(this.#unheardEndMs) ||
      hasEnded(this.#keys.get(localKey)) ||
      labels.some((label) => hasEnded(this.#labels.get(label)))
    )
  }

  /** Whether no hold at all lasted after that, as far as this process knows. Takes two comparisons. */
  hasNoneSince(sinceMs: AtMs): boolean {
    return this.#lastEndMs <= sinceMs && this.#unheardEndMs <= sinceMs
  }

  #hold(held: Map<string, Held>, subject: string, untilMs: AtMs, nowMs: AtMs): void {
    this.#lastEndMs = Math.max(this.#lastEndMs, untilMs)
    const before = held.get(subject)
    if (before === undefined && this.size >= MAX_HELD) this.#forget(nowMs)
    held.set(subject, together(before, untilMs, nowMs))
  }

  #forget(nowMs: AtMs): void {
    this.#forgetEnded(nowMs, nowMs)
    if (this.size >= MAX_HELD) this.#forgetEnded(Number.POSITIVE_INFINITY, nowMs)
  }

  #forgetEnded(byMs: AtMs, nowMs: AtMs): void {
    for (const held of [this.#keys, this.#labels]) {
      for (const [subject, { endMs }] of held) {
        if (endMs > byMs) continue
        held.delete(subject)
        this.#floorMs = Math.max(this.#floorMs, endMs)
        if (endMs <= nowMs) this.#forgottenMs = Math.max(this.#forgottenMs, endMs)
      }
    }
  }
}

/** A longer hold extends one that lasts; a shorter one does not shorten it. */
function together(before: Held | undefined, untilMs: AtMs, nowMs: AtMs): Held {
  if (before === undefined) return { endMs: untilMs, ends: [untilMs], forgottenMs: Number.NEGATIVE_INFINITY }
  if (before.ends.includes(untilMs)) return before
  const ends = [...before.ends, untilMs].sort((a, b) => a - b)
  const endMs = Math.max(before.endMs, untilMs)
  if (ends.length <= MAX_ENDS) return { ...before, endMs, ends }
  const [firstMs = untilMs, ...others] = ends
  if (firstMs <= nowMs) return { endMs, ends: others, forgottenMs: firstMs }
  // So many of them last that two ends count as the later one: callers may share a load a little longer than they should.
  const closest = others.reduce((at, _, i) => (gapAt(ends, i) < gapAt(ends, at) ? i : at), 0)
  return { ...before, endMs, ends: ends.toSpliced(closest, 1) }
}

/** How much later the next end is. */
function gapAt(ends: readonly AtMs[], at: number): number {
  return (ends[at + 1] as AtMs) - (ends[at] as AtMs)
}
