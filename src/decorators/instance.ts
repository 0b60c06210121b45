// Whose method is called: instances, their classes, and decorated methods, which are neither.

/** Where a method decorated with `@cached` has its `CachedMethod`. Registered, so that an ESM and a CommonJS copy of it agree. */
export const HANDLE = Symbol.for('tiercache.cachedMethod')

/** `self`, unless it is a decorated method: `repo.find.invalidate(…)` calls the verb with `repo.find` as `this`, nobody's instance. */
export function instanceOf(self: unknown): unknown {
  return typeof self === 'function' && HANDLE in self ? undefined : self
}

/** The class of an instance; that of a class, as `this` of a static method, is itself. */
export function classOf(instance: unknown): object | undefined {
  if (typeof instance === 'function') return instance
  const type: unknown = typeof instance === 'object' && instance !== null ? instance.constructor : undefined
  return typeof type === 'function' ? type : undefined
}
