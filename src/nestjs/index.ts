// `tiercache/nestjs`: the cache as a module of NestJS, and its responses cached by decorators of routes.

export { CacheRoute, Invalidates } from './decorators.js'
export { CacheHealthIndicator, type CacheIndicatorResult } from './health.js'
export { CACHE, InjectCache } from './inject.js'
export { CacheInterceptor } from './interceptor.js'
export { TiercacheModule } from './module.js'
export type { TiercacheModuleOptions } from './options.js'
export type { NestRequest } from './request.js'
