// `update`: read-modify-write by compare-and-set, one call after the other for each key of this process.

import { localKey as localKeyOf } from '../../model/keys/key.js'
import { tagLabel } from '../../model/labels.js'
import { checkCount, checkOptions, invalid } from '../../model/option-rules.js'
import { toMs } from '../../model/options/duration.js'
import type { UpdateContext, UpdateOptions } from '../../model/options/options.js'
import { resolvePolicy, WRITE_POLICY_OPTIONS } from '../../model/options/policy.js'
import type { Milliseconds } from '../../model/ports.js'
import { refuseGenerator } from '../../model/values/used-once.js'
import type { Core } from '../core.js'
import type { LocalEntries } from '../entries/local-entries.js'
import type { RemoteEntries } from '../entries/remote-entries.js'
import { scopeOfCall } from '../entries/scope-of-call.js'
import { checkEntryTags } from '../entries/tags.js'
import type { CallScope } from '../flights/call-scope.js'
import type { Loading } from '../flights/loading.js'
import { Leases } from '../leases/leases.js'
import type { Writer } from '../write/write.js'
import { SerialCalls } from './serial-calls.js'
import { Swaps } from './swaps.js'
import { untilAborted } from './until-aborted.js'
import { conflict } from './update-errors.js'
import { attemptHere } from './update-here.js'
import { type L2Parts, UpdateInL2 } from './update-in-l2.js'
import type { Attempted, Returned, UpdateJob } from './update-job.js'

/** The user's function, whatever its types. */
export type UpdateFunction = (value: unknown, context: UpdateContext) => unknown

const UPDATE_OPTIONS: readonly string[] = [...WRITE_POLICY_OPTIONS, 'tags', 'version', 'retries', 'signal']
const DEFAULT_RETRIES = 10
const LONGEST_PAUSE_MS: Milliseconds = 64

/** What updates and pulls in L2 need; `undefined` without an L2. */
export function l2PartsOf(core: Core, local: LocalEntries, entries: RemoteEntries | undefined): L2Parts | undefined {
  const { remote } = core
  if (remote === undefined || entries === undefined) return undefined
  return { core, remote, entries, local, leases: new Leases(core, remote, entries), swaps: new Swaps(core, remote) }
}

/** What a call of the user's function needs. */
interface FunctionCall extends Pick<UpdateJob, 'write' | 'signal'> {
  readonly fn: UpdateFunction
  /** Lets a call that the function makes find out that it would wait for itself. */
  readonly running: Loading
}

export class Updates {
  readonly #serial = new SerialCalls()

  constructor(
    private readonly core: Core,
    private readonly local: LocalEntries,
    private readonly writer: Writer,
    private readonly l2: L2Parts | undefined,
  ) {}

  /** Resolves with the value that is stored now. */
  update(
    scope: CallScope,
    userKey: string,
    fn: UpdateFunction,
    options: UpdateOptions<never> | undefined,
  ): Promise<unknown> {
    const { core } = this
    return core.callers.await(core.background.track(this.#update(scope, userKey, fn, options)))
  }

  async #update(
    callScope: CallScope,
    userKey: string,
    fn: UpdateFunction,
    given: UpdateOptions<never> | undefined,
  ): Promise<unknown> {
    const { core } = this
    core.assertOpen()
    if (typeof fn !== 'function') throw invalid('the second argument of update', 'a function of the present value', fn)
    refuseGenerator(fn, 'the function of update')
    const options: UpdateOptions<never> = checkOptions(given, UPDATE_OPTIONS, 'update') ?? {}
    const { retries = DEFAULT_RETRIES, signal, version, ...write } = options
    checkCount(retries, 'retries', 0, Number.POSITIVE_INFINITY)
    const scope = scopeOfCall(callScope, { version })
    const policy = resolvePolicy(scope.policy, write)
    const localKey = localKeyOf(scope.space, userKey)
    const listed =
      write.tags === undefined || typeof write.tags === 'function' ? [] : checkEntryTags(write.tags, 'tags')
    const job = {
      ...{ scope, policy, userKey, localKey, write, signal },
      labels: [...scope.space.scopeLabels, ...new Set(listed.map(tagLabel))],
      longestMs: policy.ttlMs + Math.max(policy.staleWhileRevalidateMs, policy.staleIfErrorMs),
    }
    const call = { localKey, shownKey: core.recorder.shown(userKey), caller: core.running.getStore(), signal }
    return this.#serial.run(call, (running) => {
      const runs = (value: unknown, found: boolean) => this.#call({ ...job, fn, running }, value, found)
      return this.#attempt({ ...job, call: runs }, retries)
    })
  }

  /** Runs attempts until one is no conflict. After the first conflict, pauses leave room for the others. */
  async #attempt(job: UpdateJob, retries: number): Promise<unknown> {
    const inL2 = this.l2 === undefined || job.policy.tiers === 'l1' ? undefined : new UpdateInL2(this.l2, job)
    for (let conflicts = 0; ; ) {
      job.signal?.throwIfAborted()
      await untilAborted(this.writer.earlierEnded(job.localKey), job.signal)
      const attempted: Attempted =
        inL2 === undefined ? await attemptHere(this.core, this.writer, this.local, job) : await inL2.attempt()
      if (attempted.kind !== 'conflict') return attempted.value
      conflicts++
      if (conflicts > retries) {
        throw conflict(
          `others changed it during each of ${conflicts} attempts. Raise \`retries\`, or change the key less often`,
        )
      }
      if (conflicts > 1) await this.#pause(Math.min(LONGEST_PAUSE_MS, 2 ** (conflicts - 1)))
    }
  }

  #pause(longestMs: Milliseconds): Promise<void> {
    const { callers, random } = this.core
    return new Promise((resolve) => callers.after(longestMs * random(), resolve))
  }

  async #call({ fn, running, write, signal }: FunctionCall, value: unknown, found: boolean): Promise<Returned> {
    signal?.throwIfAborted()
    let chosen = write
    const context: UpdateContext = {
      found,
      ttl: (duration) => {
        chosen = { ...write, ttl: toMs(duration, 'ctx.ttl()') }
      },
    }
    const returned = this.core.running.run(running, () => fn(value, context), undefined)
    const given = await untilAborted(Promise.resolve(returned), signal)
    return { value: given, write: chosen }
  }
}
