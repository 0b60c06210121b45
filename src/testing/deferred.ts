// A promise that a test settles, for example for a loader that returns on command.

/** A promise with the functions that settle it. `promise` never causes an unhandled rejection by itself. */
export interface Deferred<T> {
  readonly promise: Promise<T>
  resolve(value: T): void
  reject(reason: unknown): void
}

/** A promise that a test resolves or rejects itself. A rejection that nobody awaits is not reported. */
export function deferred<T = void>(): Deferred<T> {
  let resolve!: (value: T) => void
  let reject!: (reason: unknown) => void
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  promise.catch(() => {}) // A rejection counts where the promise is used, not where it is created.
  return { promise, resolve, reject }
}
