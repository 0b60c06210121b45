// Finds the instance and the class on which a method is called.

/**
 * The property in which a method decorated with `@cached` has its `CachedMethod`. A registered symbol, so that the ESM and the CommonJS
 * build share it.
 */
export const HANDLE = Symbol.for('tiercache.cachedMethod')

/** Returns `self`, unless it is a decorated method: `repo.find.invalidate(…)` has `repo.find` as `this`, which is not an instance. */
export function instanceOf(self: unknown): unknown {
  return typeof self === 'function' && HANDLE in self ? undefined : self
}

/** The class of an instance. A class, which is the `this` of a static method, is its own class. */
export function classOf(instance: unknown): object | undefined {
  if (typeof instance === 'function') return instance
  const type: unknown = typeof instance === 'object' && instance !== null ? instance.constructor : undefined
  return typeof type === 'function' ? type : undefined
}
