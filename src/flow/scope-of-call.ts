// The scope that one call works in: its option `version` makes it another one.
import { type Version, versionedSpace } from '../model/key.js'
import type { Scope } from './core.js'

export function scopeOfCall(scope: Scope, options: { readonly version?: Version | undefined } | undefined): Scope {
  if (options?.version === undefined) return scope
  return { space: versionedSpace(scope.space, options.version), policy: scope.policy }
}
