// Callers that wait until a store can be used.

export class Readiness {
  readonly #state: () => 'ready' | 'notYet' | Error
  readonly #waiting = new Set<() => void>()

  /** `state` is called at once and at each `changed()`. An error is final. */
  constructor(state: () => 'ready' | 'notYet' | Error) {
    this.#state = state
  }

  /** Every waiting caller looks at the state again. */
  changed(): void {
    for (const look of [...this.#waiting]) look()
  }

  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const state = signal?.aborted === true ? signal.reason : this.#state()
        if (state === 'notYet') return
        this.#waiting.delete(look)
        signal?.removeEventListener('abort', look)
        if (state === 'ready') resolve()
        else reject(state)
      }
      this.#waiting.add(look)
      signal?.addEventListener('abort', look)
      look()
    })
  }
}
