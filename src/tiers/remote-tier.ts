// L2 as the flow sees it: a store with a deadline on every operation, a circuit breaker around it, and one command for the reads of a tick.
import type { AtMs } from '../model/entry.js'
import { CacheError, isRefusal } from '../model/errors.js'
import type { TierPolicy } from '../model/options/tier-policy.js'
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
import { Breaker, type BreakerState, NO_BREAKER } from './breaker.js'
import { Deadlines } from './deadlines.js'
import { FirstConnection } from './first-connection.js'
import { FirstUse } from './first-use.js'
import {
  type InFlightOperation,
  Operation,
  type OperationLimits,
  type OperationWatcher,
  type Settle,
  UNAVAILABLE,
  type Unavailable,
} from './operation.js'
import { Outages } from './outages.js'
import { type PendingRead, ReadBatch } from './read-batch.js'
import { TierRecordings } from './remote-recordings.js'

/** What L2 reports to its cache, and the replay that it waits for. */
export interface RemoteTierOwner {
  /** Runs before L2 is used again after an outage: replays the changes that L2 has not confirmed. `false`: L2 stays unused. Never rejects. */
  comeBack(): Promise<boolean>
  /** The breaker opened after it had been closed. `degraded` follows unless this is part of an outage that was reported. */
  breakerOpened(): void
  degraded(reason: Error): void
  /** The cause of an outage that was reported without one. */
  explained(cause: CacheError): void
  recovered(degradedMs: Milliseconds): void
  /** L2 is in use for the first time, `tookMs` after this tier was created. */
  connected(tookMs: Milliseconds): void
  failed(operation: string, error: Error): void
  answered(operation: string, tookMs: Milliseconds): void
}

/**
 * Every operation settles within the deadline and never rejects: it resolves with `UNAVAILABLE` after any failure, which the owner
 * learns by `failed`. While the store is not ready or the breaker is open, it does so at once and sends nothing.
 */
export class RemoteTier {
  readonly #breaker: Breaker
  readonly #reads = new ReadBatch((storeKeys, settle) => {
    const send = () => this.store.read(storeKeys)
    this.#runThen('read', send, undefined, (answers, nowMs) =>
      settle(answers, { nowMs, storeNowMs: this.storeNowMs() }),
    )
  })
  readonly #firstConnection: FirstConnection | undefined
  #lastAnsweredAtMs: AtMs
  readonly #outages: Outages
  readonly #inFlight: Deadlines<InFlightOperation>
  readonly #use: FirstUse
  /** `undefined` if the store keeps none. */
  readonly recordings: TierRecordings | undefined
  #ended = false

  constructor(
    private readonly store: RemoteStore,
    private readonly clock: Clock,
    private readonly policy: TierPolicy,
    random: () => number,
    private readonly owner: RemoteTierOwner,
    /** The clock of the deadlines: callers may wait for what they end, so it may keep the process alive. */
    private readonly deadlines: Clock = clock,
  ) {
    this.#outages = new Outages(clock, owner)
    this.#inFlight = new Deadlines(deadlines)
    this.#lastAnsweredAtMs = clock.nowMs()
    this.#use = new FirstUse(clock, owner)
    this.recordings = store.recordings && new TierRecordings(store.recordings, (name, send) => this.#run(name, send))
    this.#breaker = new Breaker(policy.breaker ?? NO_BREAKER, clock, random, {
      tryAgain: () => this.#tryAgain(),
      opened: (reason) => {
        this.#use.failed(reason)
        owner.breakerOpened()
        this.#outages.opened(reason)
      },
      closed: () => {
        this.#outages.closed()
        this.#inUse()
      },
    })
    if (!store.isReady()) {
      this.#firstConnection = new FirstConnection(policy.connectTimeoutMs, deadlines, () => this.#failedToConnect())
    }
  }

  get state(): BreakerState {
    return this.#breaker.state
  }

  /** Whether an operation would be sent now. */
  isAvailable(): boolean {
    return this.#breaker.state === 'closed' && this.store.isReady() && !this.#ended
  }

  /** Whether an operation that begins now may get a reply: L2 is available, or its first connection is still awaited. */
  mayAnswer(): boolean {
    return this.starting !== undefined || this.isAvailable()
  }

  /** How long a caller waits for L2 at most, once it has been connected. */
  get timeoutMs(): Milliseconds {
    return this.policy.timeoutMs
  }

  /** Pending while the first connection is awaited. Never rejects. */
  get starting(): Promise<void> | undefined {
    return this.#firstConnection?.pending
  }

  /** How long the first connection is awaited at most. */
  get connectTimeoutMs(): Milliseconds {
    return this.policy.connectTimeoutMs
  }

  /** Resolves once L2 is in use. Rejects after `limitMs` with the reason why it is not, or with `CLOSED`. */
  whenInUse(limitMs: Milliseconds): Promise<void> {
    return this.isAvailable() ? Promise.resolve() : this.#use.wait(limitMs, this.deadlines)
  }

  /** When L2 last replied. What it confirmed shortly before that may be missing on its successor. */
  get lastAnsweredAtMs(): AtMs {
    return this.#lastAnsweredAtMs
  }

  /** The store's clock, for `createdAtMs` of envelopes. */
  storeNowMs(): number {
    return this.store.nowMs()
  }

  /** The store reports that commands can be sent (again). After an outage the replay runs before any other command. */
  storeReady(server: 'same' | 'other'): void {
    this.#firstConnection?.end()
    // Another server may have lost confirmed changes, so the replay comes first, even if no outage was noticed here.
    if (server === 'other' && this.#breaker.state === 'closed') this.#breaker.open(new Error('the server changed'))
    if (this.#breaker.state === 'open') void this.#breaker.tryNow()
    this.#inUse()
  }

  /** The store reports that commands cannot be sent now. If the first connection failed, operations do not wait for the next one. */
  storeUnready(reason: Error): void {
    this.#firstConnection?.end()
    this.#use.failed(reason)
    if (this.#breaker.state === 'open') this.#outages.learned(reason)
    else this.#breaker.open(reason)
  }

  #inUse(): void {
    if (this.isAvailable()) this.#use.begun()
  }

  /** Reads one key. The reads of one tick are sent together. */
  read(storeKey: string): Promise<Bytes | undefined | Unavailable> {
    return new Promise((resolve) => this.readFor({ storeKey, replied: resolve }))
  }

  /** The same without a promise. */
  readFor(read: PendingRead): void {
    if (this.mayAnswer()) this.#reads.add(read)
    else read.replied(UNAVAILABLE, { nowMs: this.clock.nowMs(), storeNowMs: this.storeNowMs() })
  }

  /** Reads in the order of `storeKeys`, with a command of its own. */
  readMany(storeKeys: readonly string[]): Promise<readonly (Bytes | undefined)[] | Unavailable> {
    return this.#run('read', () => this.store.read(storeKeys))
  }

  claim(
    storeKey: string,
    lease: Bytes,
    leaseMs: Milliseconds,
    limits?: OperationLimits<Bytes>,
  ): Promise<Bytes | Unavailable> {
    return new Promise((resolve) => this.claimThen(storeKey, lease, leaseMs, limits, resolve))
  }

  /** The same without a promise: `settle` is called within the reply. It must not throw. */
  claimThen(
    storeKey: string,
    lease: Bytes,
    leaseMs: Milliseconds,
    limits: OperationLimits<Bytes> | undefined,
    settle: Settle<Bytes>,
  ): void {
    this.#runThen('claim', () => this.store.claim(storeKey, lease, leaseMs), limits, settle)
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
    return this.#run('apply', (attempt) => this.#apply(changes, announcement, attempt))
  }

  /** `apply` for the replay, which runs while the breaker still holds back all other operations. */
  async applyInRecovery(
    changes: readonly Change[],
    announcement: Bytes | undefined,
  ): Promise<readonly ChangeResult[] | Unavailable> {
    if (!this.store.isReady()) return UNAVAILABLE
    return this.#withDeadline('apply', (attempt) => this.#apply(changes, announcement, attempt))
  }

  /** If one change is refused because of who this client is, the operation fails for that reason: else nobody would learn of it. */
  async #apply(
    changes: readonly Change[],
    announcement: Bytes | undefined,
    attempt: Attempt,
  ): Promise<readonly ChangeResult[]> {
    const results = await this.store.apply(changes, announcement, attempt)
    const refusal = results.find(isRefusal)
    if (refusal !== undefined) throw refusal
    return results
  }

  /** `swap` for the replay. */
  async swapInRecovery(
    storeKey: string,
    { expected, next, keepMs }: { readonly expected: Bytes; readonly next: Bytes | undefined; readonly keepMs: number },
  ): Promise<undefined | 'refused' | Unavailable> {
    if (!this.store.isReady()) return UNAVAILABLE
    return this.#withDeadline('swap', () => this.store.swap(storeKey, expected, next, keepMs))
  }

  /** Administration: it may take long, has no deadline but `signal`, and rejects with the store's error. */
  async deleteByPrefix(
    storePrefix: string,
    signal: AbortSignal | undefined,
    isMeant?: (head: Bytes) => boolean,
  ): Promise<number> {
    await this.starting
    if (!this.isAvailable())
      throw new CacheError('L2_UNAVAILABLE', 'expected L2 to be reachable; it is not. Try again later')
    return this.store.deleteByPrefix(storePrefix, signal, isMeant)
  }

  /** Whether L2 replies at all: reads a token that does not matter. */
  async answers(): Promise<boolean> {
    return (await this.#withDeadline('probe', () => this.store.readTokens(['c:probe']))) !== UNAVAILABLE
  }

  /** Sends nothing from now on. Operations in flight resolve with `UNAVAILABLE`. */
  end(): void {
    this.#ended = true
    this.#firstConnection?.end()
    this.#use.end()
    this.#breaker.end()
    for (const operation of this.#inFlight.takeAll()) operation.giveUp()
  }

  async #tryAgain(): Promise<boolean> {
    return this.store.isReady() && (await this.owner.comeBack())
  }

  #run<T>(name: string, send: Send<T>, limits?: OperationLimits<T>): Promise<T | Unavailable> {
    return new Promise((resolve) => this.#runThen(name, send, limits, resolve))
  }

  /** Runs an operation once the first connection stands or has failed, unless L2 is not available. */
  #runThen<T>(name: string, send: Send<T>, limits: OperationLimits<T> | undefined, settle: Settle<T>): void {
    const starting = this.#firstConnection?.pending
    if (starting !== undefined) void starting.then(() => this.#runThen(name, send, limits, settle))
    else if (this.isAvailable() && (limits === undefined || limits.withinMs > 0)) this.#send(name, send, limits, settle)
    else settle(UNAVAILABLE, this.clock.nowMs())
  }

  #withDeadline<T>(name: string, send: Send<T>): Promise<T | Unavailable> {
    return new Promise((resolve) => this.#send(name, send, undefined, resolve))
  }

  /** The deadline is ours because a client's promise may never settle, depending on the client's options. */
  #send<T>(name: string, send: Send<T>, limits: OperationLimits<T> | undefined, settle: Settle<T>): void {
    const { timeoutMs } = this.policy
    const limitMs = limits === undefined ? timeoutMs : Math.min(limits.withinMs, timeoutMs)
    const operation = new Operation<T>(name, this.clock.nowMs(), limitMs, limits, this.#watcher, settle)
    this.#inFlight.add(operation)
    try {
      send(operation).then(operation.answered, operation.failed)
    } catch (error) {
      operation.failed(error)
    }
  }

  readonly #watcher: OperationWatcher = {
    over: (operation) => this.#inFlight.remove(operation),
    answered: (operation) => this.#answered(operation),
    failed: (operation, error) => this.#failed(operation.name, error),
  }

  #answered({ name, sentAtMs, limitMs }: InFlightOperation): AtMs {
    const nowMs = this.clock.nowMs()
    const tookMs = nowMs - sentAtMs
    this.#lastAnsweredAtMs = nowMs
    // A reply later than the deadline was delayed in this process, else the deadline would have ended the operation.
    this.#breaker.succeeded(Math.min(tookMs, limitMs))
    this.#outages.worked(name)
    this.owner.answered(name, tookMs)
    return nowMs
  }

  #failed(operation: string, error: Error): void {
    this.owner.failed(operation, error)
    // Asking again soon does not help against a refusal of this client.
    if (isRefusal(error)) {
      this.#outages.refused(operation)
      this.#breaker.open(error)
    } else this.#breaker.failed(error)
  }

  #failedToConnect(): void {
    if (this.store.isReady()) return
    const message = `expected L2 to be connected within ${this.policy.connectTimeoutMs} ms; it is still connecting`
    this.#breaker.open(new CacheError('L2_UNAVAILABLE', message))
  }
}

type Send<T> = (attempt: Attempt) => Promise<T>
