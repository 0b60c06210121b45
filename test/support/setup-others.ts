// Global set-up of the test project that runs programs of others: installs them once before the workers start, where no test waits.

import { ensurePython, ensureRedisCli } from './python.js'

export function setup(): void {
  try {
    ensureRedisCli()
    ensurePython()
  } catch {
    // The test that needs them fails with the same error, and the other scenarios can still run.
  }
}
