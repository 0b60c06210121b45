// Global set-up of the test projects that use Redis: find the server, or install it once before the workers start.

import { checkVersion, ensureRedisServer } from './redis-server.js'

export function setup(): void {
  checkVersion(ensureRedisServer())
}
