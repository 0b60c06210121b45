// Ends a load from outside, without waiting for its loader.

export class LoadAbort {
  #controller: AbortController | undefined
  #reason: Error | undefined
  #stopWaiting: ((reason: Error) => void) | undefined

  /** Created only when the loader reads it: most do not. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#reason !== undefined) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  get isAborted(): boolean {
    return this.#reason !== undefined
  }

  /** Only the first reason counts. Returns whether this one does. */
  abort(reason: Error): boolean {
    if (this.#reason !== undefined) return false
    this.#reason = reason
    this.#controller?.abort(reason)
    this.#stopWaiting?.(reason)
    return true
  }

  /** Settles as `work` does, with what `finish` makes of its value, or rejects once aborted: a loader that hangs must not keep `drain()` waiting. */
  until<T, R>(work: Promise<T>, finish: (value: T) => R): Promise<R> {
    return new Promise((resolve, reject) => {
      this.#stopWaiting = reject
      if (this.#reason !== undefined) reject(this.#reason)
      work.then((value) => resolve(finish(value)), reject)
    })
  }
}
