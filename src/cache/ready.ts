// `cache.ready()`: waits until L2 is in use, for programs that should not start without it.
import type { Core } from '../flow/core.js'
import { checkNames } from '../model/option-rules.js'
import { type Duration, toMs } from '../model/options/duration.js'

/** Options of `cache.ready()`. */
export interface ReadyOptions {
  /** How long to wait. Default: the `connectTimeout` of L2. */
  readonly timeout?: Duration | undefined
}

/** Resolves once L2 is in use, and at once if there is no L2. Rejects with the reason why it is not in use. */
export async function whenReady(core: Core, options: ReadyOptions): Promise<void> {
  const { timeout } = checkNames(options, ['timeout'], 'ready')
  core.assertOpen()
  const tier = core.remote?.tier
  const limitMs = timeout === undefined ? tier?.connectTimeoutMs : toMs(timeout, 'timeout', 'positive')
  if (tier === undefined || limitMs === undefined) return
  await core.callers.await(tier.whenInUse(limitMs))
}
