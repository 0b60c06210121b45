// `tiercache/decorators`: decorators for methods, with one import for TC39 and for legacy (experimentalDecorators) classes.
export { type CachedCallsOf, type CachedOptions, cached, cachedMethod } from './cached.js'
export type { CacheOf } from './cached-method.js'
export type { CacheDecorator } from './decorate.js'
export { type InvalidatesOptions, invalidates } from './invalidates.js'
export { type UpdatesKey, type UpdatesMethod, type UpdatesOptions, updates } from './updates.js'
