// The order of calls that change one key (or one label), from the call to its confirmation.
import type { WriteResult } from '../sync/outbox.js'

/** The place of a call in the order of all calls. */
export type Turn = number

interface UnderWay {
  /** Those that have not ended, in their order. Nearly always one. */
  readonly turns: Turn[]
  /** The latest call that had an effect, and what came of it. */
  latest: Turn
  result: WriteResult
  waiting: (() => void)[] | undefined
}

/** Calls for one subject take effect in the order in which they began, although each may wait for something first. */
export class Turns {
  #count: Turn = 0
  readonly #underWay = new Map<string, UnderWay>()

  /** A call begins; `end` must follow. */
  begin(subject: string): Turn {
    const turn = ++this.#count
    const underWay = this.#underWay.get(subject)
    if (underWay !== undefined) underWay.turns.push(turn)
    else this.#underWay.set(subject, { turns: [turn], latest: 0, result: 'applied', waiting: undefined })
    return turn
  }

  /** Whether a later call for `subject` has begun. */
  isOvertaken(subject: string, turn: Turn): boolean {
    const underWay = this.#underWay.get(subject)
    return underWay !== undefined && (underWay.latest > turn || hasLater(underWay, turn))
  }

  /** What came of the call that overtook this one, once that is known; `undefined` if all later ones came to nothing. */
  async resultOfLater(subject: string, turn: Turn): Promise<WriteResult | undefined> {
    for (;;) {
      const underWay = this.#underWay.get(subject)
      if (underWay === undefined) return undefined
      if (!hasLater(underWay, turn)) return underWay.latest > turn ? underWay.result : undefined
      await new Promise<void>((resolve) => {
        underWay.waiting ??= []
        underWay.waiting.push(resolve)
      })
    }
  }

  /** A call is over; without a `result` it had no effect. Answers whether no later one for `subject` is under way. */
  end(subject: string, turn: Turn, result?: WriteResult): boolean {
    const underWay = this.#underWay.get(subject)
    if (underWay === undefined) return true
    const { turns, waiting } = underWay
    turns.splice(turns.indexOf(turn), 1)
    if (result !== undefined && turn > underWay.latest) {
      underWay.latest = turn
      underWay.result = result
    }
    underWay.waiting = undefined
    if (turns.length === 0) this.#underWay.delete(subject)
    if (waiting !== undefined) for (const resolve of waiting) resolve()
    return !hasLater(underWay, turn)
  }
}

function hasLater({ turns }: UnderWay, turn: Turn): boolean {
  const last = turns.at(-1)
  return last !== undefined && last > turn
}
