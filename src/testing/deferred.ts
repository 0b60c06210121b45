// A promise that a test settles when it is its turn: a loader that answers on command.

/** A promise with its handles. `promise` never causes an unhandled rejection by itself. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  promise.catch(() => {}) // a rejection counts where the promise is used, not where it is made
  return { promise, resolve, reject }
}
