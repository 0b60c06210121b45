// The frameworks of the bench, and the cache that their users usually take.
import type { FrameworkName } from './messages.js'

/** The cache that users of a framework usually take. */
export const RIVALS: Partial<Record<FrameworkName, string>> = {
  express: 'apicache',
  fastify: '@fastify/caching',
  hono: 'hono/cache',
  nest: '@nestjs/cache-manager',
}
export const FRAMEWORKS: readonly FrameworkName[] = ['node', 'express', 'fastify', 'hono', 'koa', 'nest']

export const FRAMEWORK_PACKAGES = ['express', 'fastify', 'hono', 'koa', '@nestjs/core']

/** What one slice cost, in microseconds a request. */
export interface Slice {
  readonly cpuUs: number
  readonly wallUs: number
}
