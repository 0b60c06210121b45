// The order of calls that change one key (or one label), from the call to its confirmation.
import type { WriteResult } from '../sync/outbox.js'

/** The place of a call in the order of all calls. */
export type Place = number

interface Calls {
  /** The places of the calls that have not ended, in their order. Nearly always one. */
  readonly places: Place[]
  /** The latest call that had an effect, and its result. */
  latest: Place
  result: WriteResult
  waiting: (() => void)[] | undefined
}

/** Calls for one subject take effect in the order in which they began, although each may wait for something first. */
export class CallOrder {
  #count: Place = 0
  readonly #calls = new Map<string, Calls>()

  /** A call begins; `end` must follow. */
  begin(subject: string): Place {
    const place = ++this.#count
    const calls = this.#calls.get(subject)
    if (calls !== undefined) calls.places.push(place)
    else this.#calls.set(subject, { places: [place], latest: 0, result: 'applied', waiting: undefined })
    return place
  }

  /** Whether a later call for `subject` has begun. */
  isOvertaken(subject: string, place: Place): boolean {
    const calls = this.#calls.get(subject)
    return calls !== undefined && (calls.latest > place || hasLater(calls, place))
  }

  /** The result of the later call that overtook this one, once it is known; `undefined` if no later call had an effect. */
  async resultOfLater(subject: string, place: Place): Promise<WriteResult | undefined> {
    for (;;) {
      const calls = this.#calls.get(subject)
      if (calls === undefined) return undefined
      if (!hasLater(calls, place)) return calls.latest > place ? calls.result : undefined
      await new Promise<void>((resolve) => {
        calls.waiting ??= []
        calls.waiting.push(resolve)
      })
    }
  }

  /** Whether a call for `subject` is in progress. */
  isBusy(subject: string): boolean {
    return this.#calls.has(subject)
  }

  /** Resolves once every call for `subject` that has begun until now has ended. */
  async earlierEnded(subject: string): Promise<void> {
    const latest = this.#count
    for (;;) {
      const calls = this.#calls.get(subject)
      const first = calls?.places[0]
      if (calls === undefined || first === undefined || first > latest) return
      await new Promise<void>((resolve) => {
        calls.waiting ??= []
        calls.waiting.push(resolve)
      })
    }
  }

  /** A call has ended; without a `result` it had no effect. Returns whether it is the last: no later call for `subject` is in progress. */
  end(subject: string, place: Place, result?: WriteResult): boolean {
    const calls = this.#calls.get(subject)
    if (calls === undefined) return true
    const { places, waiting } = calls
    places.splice(places.indexOf(place), 1)
    if (result !== undefined && place > calls.latest) {
      calls.latest = place
      calls.result = result
    }
    calls.waiting = undefined
    if (places.length === 0) this.#calls.delete(subject)
    if (waiting !== undefined) for (const resolve of waiting) resolve()
    return !hasLater(calls, place)
  }
}

function hasLater({ places }: Calls, place: Place): boolean {
  const last = places.at(-1)
  return last !== undefined && last > place
}
