// Promises of any library.

/** Whether `value` has a method `then`. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  const mayBe = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return mayBe && typeof (value as { then?: unknown }).then === 'function'
}
