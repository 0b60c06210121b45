// The decorators in a real NestJS application, compiled as NestJS projects are (experimentalDecorators, emitDecoratorMetadata).
import 'reflect-metadata'
import * as common from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import type { Cache } from 'tiercache'
import * as tiercache from 'tiercache'
import * as decorators from 'tiercache/decorators'
import { cachedMethod } from 'tiercache/decorators'
import { expect, test } from 'vitest'
import { runCompiled } from '../support/compiled.js'

interface User {
  readonly id: number
  readonly name: string
}

interface UserService {
  find(id: number): Promise<User | undefined>
  rename(id: number, name: string): Promise<void>
  create(name: string): Promise<User>
}

/** Not imported, not even as types: the other tests are compiled for TC39 decorators. */
interface App {
  readonly CACHE: symbol
  readonly AppModule: new () => object
  readonly Database: new () => { reads: number; readonly users: Map<number, User> }
  readonly UserService: new () => UserService
  readonly Reports: new () => { report(): Promise<string> }
}

const app = runCompiled<App>(
  new URL('./fixtures/nest-app.ts', import.meta.url),
  { experimentalDecorators: true, emitDecoratorMetadata: true },
  { 'reflect-metadata': {}, '@nestjs/common': common, tiercache, 'tiercache/decorators': decorators },
)

async function startApplication() {
  const context = await NestFactory.createApplicationContext(app.AppModule, { logger: false, abortOnError: false })
  const service = context.get(app.UserService)
  const cache = context.get<Cache>(app.CACHE)
  const stop = async () => {
    await context.close()
    await cache.close()
  }
  return { context, service, cache, database: context.get(app.Database), stop }
}

test('a service with an injected cache caches, invalidates and updates', async () => {
  const { service, database, stop } = await startApplication()
  expect([await service.find(1), await service.find(1)]).toEqual([
    { id: 1, name: 'Ann' },
    { id: 1, name: 'Ann' },
  ])
  expect(database.reads).toBe(1)
  await service.rename(1, 'Bea')
  expect(await service.find(1)).toEqual({ id: 1, name: 'Bea' })
  expect(database.reads).toBe(2)
  await service.create('Cem')
  expect(await service.find(2)).toEqual({ id: 2, name: 'Cem' })
  expect(database.reads).toBe(2)
  await stop()
})

test('the verbs of a decorated method of a service use the injected cache', async () => {
  const { service, database, stop } = await startApplication()
  await service.find(1)
  const find = cachedMethod(service, 'find')
  expect(find.peek(1)).toEqual({ id: 1, name: 'Ann' })
  await find.invalidate(1)
  expect(find.peek(1)).toBeUndefined()
  expect(await find.refresh(1)).toEqual({ id: 1, name: 'Ann' })
  await service.find(1)
  expect(database.reads).toBe(2)
  await stop()
})

test('two applications in one process have a cache each', async () => {
  const first = await startApplication()
  const second = await startApplication()
  await first.service.find(1)
  second.database.users.set(1, { id: 1, name: 'other' })
  expect(await second.service.find(1)).toEqual({ id: 1, name: 'other' })
  expect(await first.service.find(1)).toEqual({ id: 1, name: 'Ann' })
  await Promise.all([first.stop(), second.stop()])
})

test('Nest finds the metadata of decorators above and below @cached', async () => {
  const { context, service, stop } = await startApplication()
  expect(Reflect.getMetadata('roles', service.find)).toEqual(['admin'])
  const reports = context.get(app.Reports)
  expect(Reflect.getMetadata('path', reports.report)).toBe('/report')
  expect(await reports.report()).toBe('report')
  await stop()
})
