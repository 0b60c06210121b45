// L2 as the flow sees it: a store with a deadline on every operation, a circuit breaker around it, and reads of one tick coalesced.
import type { AtMs } from '../model/entry.js'
import { asError, CacheError, isRefusal } from '../model/errors.js'
import type { BreakerPolicy, TierPolicy } from '../model/options/tier-policy.js'
import type {
  Attempt,
  Bytes,
  Change,
  ChangeResult,
  Clock,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  Token,
} from '../model/ports.js'
import { TickBatch } from '../model/time/tick.js'
import { Breaker, type BreakerState } from './breaker.js'
import { Deadlines, type Timed } from './deadlines.js'
import { FirstUse } from './first-use.js'
import { Outages } from './outages.js'

/** L2 did not answer, or was not asked. The caller goes on without it. */
export const UNAVAILABLE: unique symbol = Symbol('L2 unavailable')
export type Unavailable = typeof UNAVAILABLE

const NOT_AVAILABLE: Promise<Unavailable> = Promise.resolve(UNAVAILABLE)

/** More keys than this in one command would hold up the server's other clients. */
const MAX_KEYS_PER_READ = 1_000

/** How much of its deadline a caller leaves to an operation, and what is done with an answer that came after it. */
export interface OperationLimits<T> {
  readonly withinMs: Milliseconds
  tooLate?(answer: T): void
}

/** What L2 reports; the recovery gate is `comeBack`. */
export interface RemoteTierOwner {
  /** Runs before L2 is trusted again after an outage: replay what could not be told. `false` keeps L2 closed. Never rejects. */
  comeBack(): Promise<boolean>
  degraded(reason: Error): void
  /** The cause of an outage that was told without one. */
  explained(cause: CacheError): void
  recovered(degradedMs: Milliseconds): void
  /** L2 is in use for the first time, so long after its tier was made. */
  connected(tookMs: Milliseconds): void
  failed(operation: string, error: Error): void
  answered(operation: string, tookMs: Milliseconds): void
}

interface PendingRead {
  readonly storeKey: string
  readonly resolve: (answer: Bytes | undefined | Unavailable) => void
}

/** How long an operation may take at most when there is no breaker to count for: it still answers within its deadline. */
const NO_BREAKER: BreakerPolicy = {
  failures: Number.POSITIVE_INFINITY,
  slowAfterMs: Number.POSITIVE_INFINITY,
  openForMs: 100,
  maxOpenForMs: 1_000,
}

/**
 * Every method answers within the deadline and never rejects: `UNAVAILABLE` stands for every kind of failure, which goes to the owner
 * as an event. While the store is not ready or the breaker is open the answer comes at once and nothing is sent.
 */
export class RemoteTier {
  readonly #breaker: Breaker
  readonly #reads = new TickBatch<PendingRead>((reads) => this.#sendReads(reads))
  /** Until the first connection stands, fails or is given up: only so long may operations wait for it. */
  #starting: Promise<void> | undefined
  #endStarting: (() => void) | undefined
  #lastAnsweredAtMs: AtMs
  readonly #outages: Outages
  readonly #inFlight: Deadlines<Sent>
  readonly #use: FirstUse
  #ended = false

  constructor(
    private readonly store: RemoteStore,
    private readonly clock: Clock,
    private readonly policy: TierPolicy,
    random: () => number,
    private readonly owner: RemoteTierOwner,
    /** The clock of the deadlines: somebody may wait for what they end. */
    private readonly deadlines: Clock = clock,
  ) {
    this.#outages = new Outages(clock, owner)
    this.#inFlight = new Deadlines(deadlines)
    this.#lastAnsweredAtMs = clock.nowMs()
    this.#use = new FirstUse(clock, owner)
    this.#breaker = new Breaker(policy.breaker ?? NO_BREAKER, clock, random, {
      tryAgain: () => this.#tryAgain(),
      opened: (reason) => {
        this.#use.failed(reason)
        this.#outages.opened(reason)
      },
      closed: () => {
        this.#outages.closed()
        this.#inUse()
      },
    })
    if (!store.isReady()) this.#awaitFirstConnection()
  }

  get state(): BreakerState {
    return this.#breaker.state
  }

  /** Whether L2 would be asked now. */
  isAvailable(): boolean {
    return this.#breaker.state === 'closed' && this.store.isReady() && !this.#ended
  }

  /** Whether an operation begun now may get an answer: L2 is available, or its first connection is still awaited. */
  mayAnswer(): boolean {
    return this.#starting !== undefined || this.isAvailable()
  }

  /** The longest that a caller waits for L2 once it was connected. */
  get timeoutMs(): Milliseconds {
    return this.policy.timeoutMs
  }

  /** Pending while the first connection is awaited. Never rejects. */
  get starting(): Promise<void> | undefined {
    return this.#starting
  }

  /** The longest that the first connection is awaited. */
  get connectTimeoutMs(): Milliseconds {
    return this.policy.connectTimeoutMs
  }

  /** Resolves once L2 is in use; rejects with the reason why it is not after `limitMs`, or with `CLOSED`. */
  whenInUse(limitMs: Milliseconds): Promise<void> {
    return this.isAvailable() ? Promise.resolve() : this.#use.wait(limitMs, this.deadlines)
  }

  /** When L2 last answered anything: what it confirmed not long before may be missing in its successor. */
  get lastAnsweredAtMs(): AtMs {
    return this.#lastAnsweredAtMs
  }

  /** The store's clock, for `createdAtMs` of envelopes. */
  storeNowMs(): number {
    return this.store.nowMs()
  }

  /** The store says that commands can be sent (again). The recovery runs before anybody else's command. */
  storeReady(server: 'same' | 'other'): void {
    this.#endStarting?.()
    // Another server may have lost what was confirmed: its recovery comes first, although nothing was found wrong here.
    if (server === 'other' && this.#breaker.state === 'closed') this.#breaker.open(new Error('the server changed'))
    if (this.#breaker.state === 'open') void this.#breaker.tryNow()
    this.#inUse()
  }

  /** The store says that commands cannot be sent now. Where not even the first connection came about, nobody waits for the next one. */
  storeUnready(reason: Error): void {
    this.#endStarting?.()
    this.#use.failed(reason)
    if (this.#breaker.state === 'open') this.#outages.learned(reason)
    else this.#breaker.open(reason)
  }

  #inUse(): void {
    if (this.isAvailable()) this.#use.begun()
  }

  /** Reads one key; the reads of one tick leave together. */
  read(storeKey: string): Promise<Bytes | undefined | Unavailable> {
    if (!this.mayAnswer()) return NOT_AVAILABLE
    return new Promise((resolve) => this.#reads.add({ storeKey, resolve }))
  }

  #sendReads(reads: readonly PendingRead[]): void {
    for (let from = 0; from < reads.length; from += MAX_KEYS_PER_READ) {
      const some = reads.length <= MAX_KEYS_PER_READ ? reads : reads.slice(from, from + MAX_KEYS_PER_READ)
      const settle = (answers: readonly (Bytes | undefined)[] | Unavailable) => {
        for (let i = 0; i < some.length; i++) {
          ;(some[i] as PendingRead).resolve(answers === UNAVAILABLE ? UNAVAILABLE : answers[i])
        }
      }
      void this.readMany(some.map(({ storeKey }) => storeKey)).then(settle)
    }
  }

  /** Reads in the order of `storeKeys`, in a command of its own. */
  readMany(storeKeys: readonly string[]): Promise<readonly (Bytes | undefined)[] | Unavailable> {
    return this.#run('read', () => this.store.read(storeKeys))
  }

  claim(
    storeKey: string,
    lease: Bytes,
    leaseMs: Milliseconds,
    limits?: OperationLimits<Bytes>,
  ): Promise<Bytes | Unavailable> {
    return this.#run('claim', () => this.store.claim(storeKey, lease, leaseMs), limits)
  }

  swap(
    storeKey: string,
    expected: Bytes,
    next: Bytes | undefined,
    keepMs: Milliseconds,
    limits?: OperationLimits<undefined | 'refused'>,
  ): Promise<undefined | 'refused' | Unavailable> {
    return this.#run('swap', () => this.store.swap(storeKey, expected, next, keepMs), limits)
  }

  extend(storeKey: string, expected: Bytes, keepMs: Milliseconds): Promise<undefined | 'refused' | Unavailable> {
    return this.#run('extend', () => this.store.extend(storeKey, expected, keepMs))
  }

  readTokens(labels: readonly string[]): Promise<readonly (Token | undefined)[] | Unavailable> {
    return this.#run('readTokens', () => this.store.readTokens(labels))
  }

  ensureTokens(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: Milliseconds,
    since: string | undefined,
  ): Promise<EnsuredTokens | Unavailable> {
    return this.#run('ensureTokens', () => this.store.ensureTokens(labels, candidates, keepMs, since))
  }

  apply(changes: readonly Change[], announcement: Bytes | undefined): Promise<readonly ChangeResult[] | Unavailable> {
    return this.#run('apply', (attempt) => this.store.apply(changes, announcement, attempt))
  }

  /** `apply` for the recovery itself, which runs while the breaker still keeps everybody else out. */
  async applyInRecovery(
    changes: readonly Change[],
    announcement: Bytes | undefined,
  ): Promise<readonly ChangeResult[] | Unavailable> {
    if (!this.store.isReady()) return UNAVAILABLE
    return this.#withDeadline('apply', (attempt) => this.store.apply(changes, announcement, attempt))
  }

  /** Administration: may take long, has no deadline but `signal`, and rejects with what went wrong. */
  async deleteByPrefix(
    storePrefix: string,
    signal: AbortSignal | undefined,
    isMeant?: (head: Bytes) => boolean,
  ): Promise<number> {
    if (this.#starting !== undefined) await this.#starting
    if (!this.isAvailable())
      throw new CacheError('L2_UNAVAILABLE', 'expected L2 to be reachable; it is not. Try again later')
    return this.store.deleteByPrefix(storePrefix, signal, isMeant)
  }

  /** Asks for nothing in particular, to see whether L2 answers at all. */
  async answers(): Promise<boolean> {
    return (await this.#withDeadline('probe', () => this.store.readTokens(['c:probe']))) !== UNAVAILABLE
  }

  /** Nothing is asked any more, and what is under way counts as not answered. */
  end(): void {
    this.#ended = true
    this.#endStarting?.()
    this.#use.end()
    this.#breaker.end()
    for (const operation of this.#inFlight.takeAll()) operation.giveUp()
  }

  async #tryAgain(): Promise<boolean> {
    return this.store.isReady() && (await this.owner.comeBack())
  }

  #run<T>(name: string, send: Send<T>, limits?: OperationLimits<T>): Promise<T | Unavailable> {
    if (this.#starting !== undefined) return this.#starting.then(() => this.#run(name, send, limits))
    if (!this.isAvailable() || (limits !== undefined && limits.withinMs <= 0)) return NOT_AVAILABLE
    return this.#withDeadline(name, send, limits)
  }

  /** The client's promise may never settle (PEERS row 34), so the deadline is ours; nobody waits for a late answer. */
  #withDeadline<T>(name: string, send: Send<T>, limits?: OperationLimits<T>): Promise<T | Unavailable> {
    const { timeoutMs } = this.policy
    const limitMs = limits === undefined ? timeoutMs : Math.min(limits.withinMs, timeoutMs)
    const operation = new Operation<T>(name, this.clock.nowMs(), limitMs, limits, this.#watcher)
    this.#inFlight.add(operation)
    try {
      send(operation).then(operation.answered, operation.failed)
    } catch (error) {
      operation.failed(error)
    }
    return operation.answer
  }

  readonly #watcher: OperationWatcher = {
    over: (operation) => this.#inFlight.remove(operation),
    answered: (operation) => this.#answered(operation),
    failed: (operation, error) => this.#failed(operation.name, error),
  }

  #answered({ name, sentAtMs, limitMs }: Sent): void {
    const nowMs = this.clock.nowMs()
    const tookMs = nowMs - sentAtMs
    this.#lastAnsweredAtMs = nowMs
    // What is heard after its deadline was held up in this process: the deadline would have ended it.
    this.#breaker.succeeded(Math.min(tookMs, limitMs))
    this.#outages.worked(name)
    this.owner.answered(name, tookMs)
  }

  #failed(operation: string, error: Error): void {
    this.owner.failed(operation, error)
    // A refusal of this client will not heal by asking again soon.
    if (isRefusal(error)) {
      this.#outages.refused(operation)
      this.#breaker.open(error)
    } else this.#breaker.failed(error)
  }

  #awaitFirstConnection(): void {
    this.#starting = new Promise((resolve) => {
      const cancel = afterOwnTime(this.policy.connectTimeoutMs, this.deadlines, () => {
        this.#endStarting?.()
        if (this.store.isReady()) return
        const message = `expected L2 to be connected within ${this.policy.connectTimeoutMs} ms; it is not yet`
        this.#breaker.open(new CacheError('L2_UNAVAILABLE', message))
      })
      this.#endStarting = () => {
        cancel()
        this.#starting = undefined
        this.#endStarting = undefined
        resolve()
      }
    })
  }
}

/** In how many steps a limit is counted down. */
const STEPS = 20

/**
 * Calls `run` after `limitMs` in which this process could have worked. Loading modules, or a busy machine, holds a process up for
 * seconds at its start: nothing connects meanwhile, so such a gap counts as one step, whatever its length.
 */
function afterOwnTime(limitMs: Milliseconds, clock: Clock, run: () => void): () => void {
  let steps = 0
  let cancel: () => void
  const next = (): void => {
    if (steps++ === STEPS) run()
    else cancel = clock.after(limitMs / STEPS, next)
  }
  next()
  return () => cancel()
}

type Send<T> = (attempt: Attempt) => Promise<T>

/** An operation under way, whatever it asks for. */
interface Sent extends Timed {
  readonly name: string
  readonly sentAtMs: AtMs
  readonly limitMs: Milliseconds
  /** As if L2 had not answered. Whoever calls it has removed it from what is under way. */
  giveUp(): void
}

interface OperationWatcher {
  /** Not called after the deadline: it is removed then already. */
  over(operation: Sent): void
  answered(operation: Sent): void
  failed(operation: Sent, error: Error): void
}

/** One command to L2, from its sending until it is answered or given up. */
class Operation<T> implements Sent, Attempt {
  place = -1
  readonly dueAtMs: AtMs
  readonly answer: Promise<T | Unavailable>
  #resolve!: (answer: T | Unavailable) => void
  isOver = false

  constructor(
    readonly name: string,
    readonly sentAtMs: AtMs,
    readonly limitMs: Milliseconds,
    private readonly limits: OperationLimits<T> | undefined,
    private readonly watcher: OperationWatcher,
  ) {
    this.dueAtMs = sentAtMs + limitMs
    this.answer = new Promise((resolve) => {
      this.#resolve = resolve
    })
  }

  giveUp(): void {
    this.isOver = true
    this.#resolve(UNAVAILABLE)
  }

  onDue(): void {
    this.giveUp()
    const message = `expected L2 to answer ${this.name} within ${this.limitMs} ms`
    this.watcher.failed(this, new CacheError('L2_TIMEOUT', message))
  }

  readonly answered = (answer: T): void => {
    if (this.isOver) {
      this.limits?.tooLate?.(answer)
      return
    }
    this.isOver = true
    this.watcher.over(this)
    this.#resolve(answer)
    this.watcher.answered(this)
  }

  readonly failed = (error: unknown): void => {
    if (this.isOver) return
    this.watcher.over(this)
    this.giveUp()
    this.watcher.failed(this, asError(error))
  }
}
