// The scope of one call, which its option `version` may change.
import { type Version, versionedSpace } from '../../model/keys/key.js'
import { ownOptions } from '../../model/own-options.js'
import type { CallScope } from '../core.js'

export function scopeOfCall(
  scope: CallScope,
  options: { readonly version?: Version | undefined } | undefined,
): CallScope {
  if (options?.version === undefined) return scope
  const { version } = ownOptions(options)
  return version === undefined ? scope : { space: versionedSpace(scope.space, version), policy: scope.policy }
}
