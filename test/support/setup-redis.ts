// Global set-up of the test projects that use Redis: finds the server, or installs it once before the workers start.

import { checkVersion, ensureRedisServer } from './redis-server.js'

export function setup(): void {
  checkVersion(ensureRedisServer())
}
