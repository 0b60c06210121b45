// Waiting until L2 is in use, for programs that shall not begin their work before that.
import type { Core } from '../flow/core.js'
import { checkNames } from '../model/option-rules.js'
import { type Duration, toMs } from '../model/options/duration.js'

/** How long `cache.ready()` waits. */
export interface ReadyOptions {
  /** Default: the `connectTimeout` of the L2. */
  readonly timeout?: Duration | undefined
}

/** Resolves once L2 is in use, at once where there is none; rejects with what keeps it from that. */
export async function whenReady(core: Core, options: ReadyOptions): Promise<void> {
  const { timeout } = checkNames(options, ['timeout'], 'ready')
  core.assertOpen()
  const tier = core.remote?.tier
  const limitMs = timeout === undefined ? tier?.connectTimeoutMs : toMs(timeout, 'timeout', 'positive')
  if (tier === undefined || limitMs === undefined) return
  await core.callers.await(tier.whenInUse(limitMs))
}
