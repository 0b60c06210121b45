// The scopes of calls: of a namespace, and of one call, which its option `version` may change.
import { childSpace, type Space, type Version, versionedSpace } from '../../model/keys/key.js'
import type { Policy } from '../../model/options/policy.js'
import { ownOptions } from '../../model/own-options.js'
import type { CallScope } from '../flights/call-scope.js'

/** The scope of a namespace, source, wrapped function or list below `parent`. */
export function childScope(parent: CallScope, name: string, version: Version | undefined, policy: Policy): CallScope {
  return scopeIn(parent, childSpace(parent.space, name, version), policy)
}

export function scopeOfCall(
  scope: CallScope,
  options: { readonly version?: Version | undefined } | undefined,
): CallScope {
  const space = spaceOfCall(scope, options)
  return space === scope.space ? scope : scopeIn(scope, space, scope.policy)
}

/** The space of one call, for what counts nothing. */
export function spaceOfCall(
  { space }: CallScope,
  options: { readonly version?: Version | undefined } | undefined,
): Space {
  if (options?.version === undefined) return space
  const { version } = ownOptions(options)
  return version === undefined ? space : versionedSpace(space, version)
}

function scopeIn({ counts }: CallScope, space: Space, policy: Policy): CallScope {
  return { space, counts: counts.at(space.scope), policy }
}
