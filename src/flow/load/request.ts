// One call that may load, after a hit in L1 was ruled out: its options are checked and resolved.
import type { Age, Entry } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import { ageWithin, windowsOf } from '../../model/options/call-windows.js'
import type { CallOptions, Loader } from '../../model/options/options.js'
import { resolvePolicy } from '../../model/options/policy.js'
import { ownOptions } from '../../model/own-options.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import type { Core } from '../core.js'
import type { FoundEntry } from '../entries/found.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { checkEntryTags } from '../entries/tags.js'
import type { CallScope } from '../flights/call-scope.js'
import type { LoadRequest } from '../flights/load-request.js'
import type { ReadEnd, ReadRequest } from './read-end.js'

export function requestOf(
  core: Pick<Core, 'assertOpen'>,
  scope: CallScope,
  userKey: string,
  load: Loader<unknown>,
  given: CallOptions | undefined,
  end?: ReadEnd,
): ReadRequest {
  core.assertOpen()
  checkLoader(load)
  if (given !== undefined) return withOptions(scope, userKey, load, given, end)
  const { space, policy } = scope
  const localKey = localKeyOf(space, userKey)
  return { scope, userKey, localKey, policy, windows: undefined, load, tags: undefined, signal: undefined, end }
}

function checkLoader(load: unknown): void {
  if (typeof load !== 'function') {
    throw new CacheError(
      'INVALID_OPTION',
      `getOrSet expects a loader function as its second argument; got ${typeof load}`,
    )
  }
  refuseGenerator(load, 'the loader of getOrSet')
}

function withOptions(
  scope: CallScope,
  userKey: string,
  load: Loader<unknown>,
  given: CallOptions,
  end: ReadEnd | undefined,
): ReadRequest {
  const options = ownOptions(given)
  const { tags, signal } = options
  const target = scopeOfCall(scope, options)
  const policy = resolvePolicy(scope.policy, options)
  return {
    scope: target,
    userKey,
    localKey: localKeyOf(target.space, userKey),
    policy,
    windows: windowsOf(options, policy),
    load,
    tags: tags === undefined || typeof tags === 'function' ? tags : checkEntryTags(tags, 'tags'),
    signal,
    end,
  }
}

/** The age of an entry within the windows of one call. */
export function ageFor(request: Pick<LoadRequest, 'windows'>, entry: Entry, { clock }: Pick<Core, 'clock'>): Age {
  return ageWithin(entry, request.windows, clock.nowMs())
}

/** Whether the last load of this key failed so recently that the next one has to wait. */
export function mustWait(
  { localKey, policy }: LoadRequest,
  { local, clock }: Pick<Core, 'clock' | 'local'>,
  found?: FoundEntry,
): boolean {
  if (policy.failureBackoff === undefined) return false
  return local.failures.mustWait(localKey, clock.nowMs(), found && (() => found.stamp))
}
