// The module of NestJS. Decorators are called as functions, since this code is compiled for the standard ones and Nest has the legacy ones.
import { ConfigurableModuleBuilder, type FactoryProvider, Module } from '@nestjs/common'
import { APP_INTERCEPTOR, DiscoveryModule, DiscoveryService, Reflector } from '@nestjs/core'
import { HttpCache } from '../http/index.js'
import { Cache } from '../index.js'
import { CacheHealthIndicator } from './health.js'
import { CACHE } from './inject.js'
import { CacheInterceptor } from './interceptor.js'
import { Lifecycle } from './lifecycle.js'
import { partsOf, type TiercacheModuleOptions } from './options.js'
import { type CacheParts, PARTS } from './parts.js'
import { Routes } from './routes.js'

const { ConfigurableModuleClass, MODULE_OPTIONS_TOKEN } = new ConfigurableModuleBuilder<TiercacheModuleOptions>()
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createTiercacheOptions')
  .setExtras({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal ?? true }))
  .build()

/**
 * Makes a cache and caches responses: `TiercacheModule.forRoot(options)`, or `forRootAsync({ imports, inject, useFactory })` where the options
 * come from other providers. Provides `Cache`, `HttpCache` and `CacheHealthIndicator`, to every module unless `isGlobal` is `false`. Closes the
 * cache after the last request when the application is closed. Wrong options make the application fail to start with `INVALID_OPTION`.
 */
export class TiercacheModule extends ConfigurableModuleClass {}

const PROVIDERS: FactoryProvider[] = [
  { provide: PARTS, useFactory: partsOf, inject: [MODULE_OPTIONS_TOKEN] },
  { provide: CACHE, useFactory: ({ cache }: CacheParts) => cache, inject: [PARTS] },
  { provide: Cache, useFactory: ({ cache }: CacheParts) => cache, inject: [PARTS] },
  { provide: HttpCache, useFactory: ({ http }: CacheParts) => http, inject: [PARTS] },
  {
    provide: Routes,
    useFactory: (parts: CacheParts, reflector: Reflector) => new Routes(parts, reflector),
    inject: [PARTS, Reflector],
  },
  { provide: CacheHealthIndicator, useFactory: (cache: Cache) => new CacheHealthIndicator(cache), inject: [CACHE] },
  {
    provide: APP_INTERCEPTOR,
    useFactory: (parts: CacheParts, routes: Routes) => new CacheInterceptor(parts, routes),
    inject: [PARTS, Routes],
  },
  {
    provide: Lifecycle,
    useFactory: (parts: CacheParts, routes: Routes, discovery: DiscoveryService) =>
      new Lifecycle(parts, routes, discovery),
    inject: [PARTS, Routes, DiscoveryService],
  },
]

Module({
  imports: [DiscoveryModule],
  providers: PROVIDERS,
  exports: [CACHE, Cache, HttpCache, CacheHealthIndicator],
})(TiercacheModule)
