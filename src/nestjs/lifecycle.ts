// What the module does when the application starts and stops.
import type { OnApplicationBootstrap, OnApplicationShutdown } from '@nestjs/common'
import type { DiscoveryService } from '@nestjs/core'
import type { CacheParts } from './parts.js'
import type { Routes } from './routes.js'

/** Checks the decorators at the start, and closes the cache of the module at the end. */
export class Lifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
  readonly #parts: CacheParts
  readonly #routes: Routes
  readonly #discovery: DiscoveryService

  constructor(parts: CacheParts, routes: Routes, discovery: DiscoveryService) {
    this.#parts = parts
    this.#routes = routes
    this.#discovery = discovery
  }

  onApplicationBootstrap(): void {
    this.#routes.check(this.#discovery)
  }

  /** The server has ended its requests by then, so what they changed is published. A cache of the application goes on. */
  async onApplicationShutdown(): Promise<void> {
    const { cache, isLent } = this.#parts
    await (isLent ? cache.drain() : cache.close())
  }
}
