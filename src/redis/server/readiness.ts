// Those who wait until a store can be used.

export class Readiness {
  readonly #state: () => 'ready' | 'notYet' | Error
  readonly #looks = new Set<() => void>()

  /** `state` is asked at once and at each `changed()`; an error is final. */
  constructor(state: () => 'ready' | 'notYet' | Error) {
    this.#state = state
  }

  /** Those who wait look again. */
  changed(): void {
    for (const look of [...this.#looks]) look()
  }

  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        const state = signal?.aborted === true ? signal.reason : this.#state()
        if (state === 'notYet') return
        this.#looks.delete(look)
        signal?.removeEventListener('abort', look)
        if (state === 'ready') resolve()
        else reject(state)
      }
      this.#looks.add(look)
      signal?.addEventListener('abort', look)
      look()
    })
  }
}
