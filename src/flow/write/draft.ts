// Prepares a value for both tiers before anything is changed, so that everything wrong with it shows here.
import type { Entry } from '../../model/entry.js'
import { localKey as localKeyOf } from '../../model/keys/key.js'
import { type Label, tagLabel } from '../../model/labels.js'
import { checkOptions } from '../../model/option-rules.js'
import type { WriteOptions } from '../../model/options/options.js'
import { type Policy, resolvePolicy, WRITE_POLICY_OPTIONS } from '../../model/options/policy.js'
import { ownOptions } from '../../model/own-options.js'
import type { Bytes } from '../../model/ports.js'
import type { Core } from '../core.js'
import { type Accepted, accept } from '../entries/accept.js'
import { idleLifeOf, lifeOf, makeEntry } from '../entries/make-entry.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { checkTags, tagsFor } from '../entries/tags.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Life, SealPlan } from '../state/seal-plan.js'
import type { CarriedLabels } from '../tokens/token-reader.js'

/** What will be written, and where it goes. */
export interface WriteTarget {
  readonly localKey: string
  readonly scope: CallScope
  readonly policy: Policy
  readonly labels: readonly Label[]
  readonly life: Life
  /** What L2 keeps. */
  readonly input: unknown
  /** The value as L1 keeps it. */
  readonly admitted: unknown
  readonly inL2: boolean
}

/** The value in the form of each tier; `undefined` where it is not kept. */
export interface Draft {
  readonly entry: Entry | undefined
  readonly bytes: Bytes | undefined
  /** How to seal `bytes` again. */
  readonly plan: SealPlan | undefined
  /** A label of it is held: no tier keeps it. */
  readonly isHeld: boolean
  /** Its tokens do not come from the store, so `bytes` must not be stored as they are. */
  readonly mustReseal: boolean
}

const WRITE_OPTIONS: readonly string[] = [...WRITE_POLICY_OPTIONS, 'tags', 'version']

/**
 * Accepts the value of a `set` like one that a loader returned. Throws or rejects with `UNSUPPORTED_VALUE` and `SCHEMA_MISMATCH`. Returns
 * a promise only if the schema does.
 */
export function acceptWritten(
  core: Pick<Core, 'values'>,
  scope: CallScope,
  value: unknown,
  options: WriteOptions<never> | undefined,
): Accepted | Promise<Accepted> {
  const own = checkOptions(options, WRITE_OPTIONS, 'set')
  const accepted = accept(core.values, resolvePolicy(scope.policy, own), value)
  return accepted instanceof Promise ? accepted.then(throwIfRefused) : throwIfRefused(accepted)
}

function throwIfRefused(accepted: Accepted): Accepted {
  if (accepted.refusal !== undefined) throw accepted.refusal
  return accepted
}

/** Throws what `tags` throws, `INVALID_KEY`, `INVALID_OPTION`, and `UNSUPPORTED_VALUE` for what L1 cannot copy. */
export function targetOf(
  core: Pick<Core, 'random' | 'l1'>,
  entries: RemoteEntries | undefined,
  scope: CallScope,
  userKey: string,
  { value, input }: Accepted,
  options: WriteOptions<never> | undefined,
): WriteTarget {
  const target = scopeOfCall(scope, options)
  const { space } = target
  const policy = resolvePolicy(scope.policy, options)
  const tags = tagsFor(ownOptions(options)?.tags, value, userKey)
  return {
    localKey: localKeyOf(space, userKey),
    scope: target,
    policy,
    labels: [...space.scopeLabels, ...tagLabels(tags)],
    life: lifeOf(policy, value, undefined, core.random),
    input,
    admitted: core.l1 === undefined ? value : core.l1.admit(value),
    inL2: policy.tiers !== 'l1' && entries !== undefined,
  }
}

/**
 * Throws `UNSUPPORTED_VALUE` for what L2 cannot keep. `epoch` is the one from before the tokens were read, so that the invalidation of a
 * label during that read is noticed.
 */
export function draftOf(
  core: Pick<Core, 'clock' | 'l1' | 'local'>,
  entries: RemoteEntries | undefined,
  target: WriteTarget,
  carried: CarriedLabels,
  epoch: number,
): Draft {
  const { localKey, scope, policy, life, input, admitted } = target
  const nowMs = core.clock.nowMs()
  const isHeld = carried.isHeld || core.local.holds.endAfter(nowMs, undefined, carried.set.labels) !== undefined
  const isKept = life.freshForMs > 0 && !isHeld
  const plan: SealPlan = {
    localKey,
    space: scope.space,
    value: admitted,
    input,
    life,
    labels: carried.set,
    loadMs: 0,
    createdAtMs: nowMs,
    etag: undefined,
    idle: idleLifeOf(life, nowMs),
  }
  const bytes = isKept && target.inL2 ? entries?.seal(plan) : undefined
  let entry: Entry | undefined
  if (isKept && core.l1 !== undefined && policy.tiers !== 'l2' && policy.l1TtlMs > 0) {
    entry = makeEntry({
      value: admitted,
      createdAtMs: nowMs,
      life,
      labels: carried.set,
      loadMs: 0,
      etag: undefined,
      epoch,
      l1UntilMs: Math.floor(nowMs) + policy.l1TtlMs,
      verifiedAtMs: Math.min(nowMs, carried.asOfMs),
      idle: plan.idle,
    })
  }
  return { entry, bytes, plan: bytes && plan, isHeld, mustReseal: bytes !== undefined && !carried.isGoodForL2 }
}

/** What this process reads while the tokens of a value are not read yet; `undefined` if the value is not kept. */
export function unsentPlanOf(core: Pick<Core, 'clock'>, target: WriteTarget): SealPlan | undefined {
  const { localKey, scope, life, labels, admitted, input } = target
  if (life.freshForMs <= 0) return undefined
  const createdAtMs = core.clock.nowMs()
  return {
    localKey,
    space: scope.space,
    value: admitted,
    input,
    life,
    createdAtMs,
    loadMs: 0,
    etag: undefined,
    idle: idleLifeOf(life, createdAtMs),
    labels: { labels, tokens: labels.map(() => NO_TOKEN) },
  }
}

export function tagLabels(tags: readonly string[]): readonly Label[] {
  return [...new Set(checkTags(tags, 'tags'))].map(tagLabel)
}

/** The draft of a value whose tokens are not read yet. It must not be kept, but it throws what the real one would throw. */
export function draftWithoutTokens(
  core: Pick<Core, 'clock' | 'l1' | 'local'>,
  entries: RemoteEntries | undefined,
  target: WriteTarget,
): Draft {
  const labels = { labels: target.labels, tokens: target.labels.map(() => NO_TOKEN) }
  return draftOf(core, entries, target, { set: labels, asOfMs: 0, isGoodForL2: false, isHeld: false }, 0)
}

/**
 * For a write that is made later: throws now what writing the value would throw, except for the schema, which is applied later. Returns
 * the value as L1 keeps it.
 */
export function checkKeepable(
  core: Pick<Core, 'clock' | 'random' | 'values' | 'l1' | 'local'>,
  entries: RemoteEntries | undefined,
  scope: CallScope,
  userKey: string,
  value: unknown,
  tags: readonly string[],
): unknown {
  const kept: unknown = core.values.accept(value, scope.policy.tiers === 'l1' ? 'memory' : 'everywhere')
  const accepted: Accepted = { value: kept, input: kept, refusal: undefined, isForL2: true }
  const target = targetOf(core, entries, scope, userKey, accepted, { tags })
  draftWithoutTokens(core, entries, target)
  return target.admitted
}

const NO_TOKEN = '0'.repeat(32)
