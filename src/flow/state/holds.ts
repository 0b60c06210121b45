// Which keys and labels are held: until when no value of theirs that is loaded may be kept.
import type { AtMs } from '../../model/entry.js'
import type { Label } from '../../model/labels.js'

const MAX_HELD = 10_000
/** How much later L2 may seem to end a hold than this process, which heard of it. */
const CLOCK_ERROR_MS = 1_000

/** The holds of one key or label that last at the same time. */
interface Held {
  /** When the last of them ends. */
  readonly endMs: AtMs
  /** When the first and the last of the others end. */
  readonly othersFromMs: AtMs
  readonly othersToMs: AtMs
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
   * Whether a hold of the key or of one of the labels ended after `sinceMs` and not later than `nowMs`, also if another one of it lasts. Where
   * more than two overlap, this may be `true` too early.
   */
  hasEndedSince(sinceMs: AtMs, nowMs: AtMs, localKey: string, labels: readonly Label[]): boolean {
    if (this.#lastEndMs <= sinceMs && this.#unheardEndMs <= sinceMs) return false
    const isWithin = (fromMs: AtMs, toMs: AtMs) => toMs > sinceMs && fromMs <= nowMs
    const hasEnded = (held: Held | undefined) =>
      held !== undefined && (isWithin(held.endMs, held.endMs) || isWithin(held.othersFromMs, held.othersToMs))
    return (
      isWithin(this.#floorMs, this.#floorMs) ||
      isWithin(this.#unheardEndMs, this.#unheardEndMs) ||
      hasEnded(this.#keys.get(localKey)) ||
      labels.some((label) => hasEnded(this.#labels.get(label)))
    )
  }

  #hold(held: Map<string, Held>, subject: string, untilMs: AtMs, nowMs: AtMs): void {
    this.#lastEndMs = Math.max(this.#lastEndMs, untilMs)
    const before = held.get(subject)
    if (before === undefined && this.size >= MAX_HELD) this.#forget(nowMs)
    held.set(subject, together(before, untilMs, nowMs))
  }

  #forget(nowMs: AtMs): void {
    this.#forgetEnded(nowMs)
    if (this.size >= MAX_HELD) this.#forgetEnded(Number.POSITIVE_INFINITY)
  }

  #forgetEnded(byMs: AtMs): void {
    for (const held of [this.#keys, this.#labels]) {
      for (const [subject, { endMs }] of held) {
        if (endMs > byMs) continue
        held.delete(subject)
        this.#floorMs = Math.max(this.#floorMs, endMs)
      }
    }
  }
}

/** A longer hold extends one that lasts; a shorter one does not shorten it. What has ended concerns no load that begins from now on. */
function together(before: Held | undefined, untilMs: AtMs, nowMs: AtMs): Held {
  if (before === undefined || before.endMs <= nowMs) {
    return { endMs: untilMs, othersFromMs: Number.POSITIVE_INFINITY, othersToMs: Number.NEGATIVE_INFINITY }
  }
  const otherMs = Math.min(before.endMs, untilMs)
  return {
    endMs: Math.max(before.endMs, untilMs),
    othersFromMs: Math.min(before.othersFromMs, otherMs),
    othersToMs: Math.max(before.othersToMs, otherMs),
  }
}
