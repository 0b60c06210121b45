// `tiercache/decorators`: cached methods, for TC39 and for legacy (experimentalDecorators) classes with the same import.
export { type CachedCallsOf, type CachedOptions, cached, cachedMethod } from './cached.js'
export type { CacheOf } from './cached-method.js'
export type { CacheDecorator } from './decorate.js'
export { type InvalidatesOptions, invalidates } from './invalidates.js'
export { type UpdatesKey, type UpdatesMethod, type UpdatesOptions, updates } from './updates.js'
