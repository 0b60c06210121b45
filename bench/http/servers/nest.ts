// NestJS on Express. Decorators are called as functions: the programs of the bench are compiled for the standard ones.
import 'reflect-metadata'
import KeyvRedis from '@keyv/redis'
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager'
import { Controller, Get, Header, Module, Res } from '@nestjs/common'
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core'
import type { Response } from 'express'
import { TiercacheModule } from '../dist.js'
import { CONSTANT, JSON_TYPE, type Site } from './site.js'

/** The rival is @nestjs/cache-manager, in memory, or in Redis where processes share a cache. */
export async function startNest(site: Site): Promise<number> {
  class Bench {
    constant() {
      return CONSTANT
    }
    skipped() {
      return CONSTANT
    }
    slow() {
      return site.slow()
    }
    async big(response: Response) {
      const { body, encoding } = await site.big()
      if (encoding !== undefined) response.setHeader('content-encoding', encoding)
      response.end(body)
    }
  }
  for (const name of ['constant', 'skipped', 'slow', 'big'] as const) {
    const descriptor = Object.getOwnPropertyDescriptor(Bench.prototype, name) as PropertyDescriptor
    Get(`/${name}`)(Bench.prototype, name, descriptor)
    Header('content-type', JSON_TYPE)(Bench.prototype, name, descriptor)
  }
  Res()(Bench.prototype, 'big', 0)
  Controller()(Bench)
  class Application {}
  Module({ ...cachingOf(site), controllers: [Bench] })(Application)
  const app = await NestFactory.create(Application, { logger: false })
  await app.listen(0, '127.0.0.1')
  return (app.getHttpServer().address() as { port: number }).port
}

function cachingOf(site: Site): Parameters<typeof Module>[0] {
  const { caching, redisPort } = site.settings
  switch (caching) {
    case 'none':
      return {}
    case 'tiercache': {
      const cache = site.makeCache()
      return { imports: [TiercacheModule.forRoot({ cache, http: site.makeHttpCache(cache) as never, routes: 'all' })] }
    }
    case 'rival': {
      const store = redisPort === undefined ? {} : { stores: [new KeyvRedis(`redis://127.0.0.1:${redisPort}`)] }
      const interceptor = { provide: APP_INTERCEPTOR, useClass: CacheInterceptor }
      return { imports: [CacheModule.register({ ttl: 3_600_000, ...store }) as never], providers: [interceptor] }
    }
  }
}
