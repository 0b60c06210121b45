// Runs the updates of one key in this process one after the other, so that they do not make each other conflict.
import { CacheError, showName } from '../../model/errors.js'
import { type Loading, reaches } from '../flights/loading.js'
import { untilAborted } from './until-aborted.js'

/** How one call waits for its turn. */
export interface SerialCall {
  readonly localKey: string
  /** The key as messages show it. */
  readonly shownKey: string
  /** The load or update that the call comes from. */
  readonly caller: Loading | undefined
  readonly signal: AbortSignal | undefined
}

/** The latest call of each key that has one. Bounded by the calls in progress: the last one of a key removes it. */
export class SerialCalls {
  readonly #latest = new Map<string, Turn>()

  get size(): number {
    return this.#latest.size
  }

  /**
   * Runs `work` once all earlier calls for the key have ended. Rejects as `work` does, with the reason of `signal`, and with
   * `REENTRANT_LOAD` if an earlier call waits for this one.
   */
  async run<T>({ localKey, shownKey, caller, signal }: SerialCall, work: (running: Loading) => Promise<T>): Promise<T> {
    const before = this.#latest.get(localKey)
    if (before !== undefined && caller !== undefined && reaches(before, caller)) throw waitsForItself(shownKey)
    const turn = new Turn()
    this.#latest.set(localKey, turn)
    caller?.waitsFor.add(turn)
    let earlier = before?.ended
    try {
      if (before !== undefined) {
        turn.waitsFor.add(before)
        await untilAborted(before.ended, signal)
        turn.waitsFor.delete(before)
        earlier = undefined
      }
      return await work(turn)
    } finally {
      caller?.waitsFor.delete(turn)
      // A call that did not wait for its turn leaves the order of the others as it is.
      if (earlier === undefined) this.#end(localKey, turn)
      else void earlier.then(() => this.#end(localKey, turn))
    }
  }

  #end(localKey: string, turn: Turn): void {
    if (this.#latest.get(localKey) === turn) this.#latest.delete(localKey)
    turn.end()
  }
}

class Turn implements Loading {
  readonly waitsFor = new Set<Loading>()
  readonly ended: Promise<void>
  end!: () => void

  constructor() {
    this.ended = new Promise((resolve) => {
      this.end = resolve
    })
  }
}

function waitsForItself(shownKey: string): CacheError {
  return new CacheError(
    'REENTRANT_LOAD',
    `the function of an update of ${showName(shownKey)} updates, directly or through a loader, the same key: it would wait for ever. ` +
      'Return the new value instead',
  )
}
