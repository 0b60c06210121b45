// Global set-up of the test project that runs programs of others: installs them once before the workers start, where no test waits.

import { ensureChromium } from './chromium.js'
import { ensurePrometheus } from './prometheus.js'
import { ensurePython, ensureRedisCli } from './python.js'

export function setup(): void {
  for (const ensure of [ensureRedisCli, ensurePython, ensurePrometheus, ensureChromium]) {
    try {
      ensure()
    } catch {
      // The test that needs it fails with the same error, and the other scenarios can still run.
    }
  }
}
