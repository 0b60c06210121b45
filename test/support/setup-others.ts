// Global set-up of the test project that runs programs of others: installs them once before the workers start, as it does Redis.

import { ensurePython, ensureRedisCli } from './python.js'

export function setup(): void {
  ensureRedisCli()
  ensurePython()
}
