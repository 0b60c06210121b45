// L2 as the flow sees it: a store with a deadline on every operation, a circuit breaker around it, and reads of one tick coalesced.
import type { AtMs } from '../model/entry.js'
import { CacheError } from '../model/errors.js'
import type {
  Bytes,
  Change,
  ChangeResult,
  Clock,
  EnsuredTokens,
  Milliseconds,
  RemoteStore,
  Token,
} from '../model/ports.js'
import type { BreakerPolicy, TierPolicy } from '../model/tier-policy.js'
import { Breaker, type BreakerState } from './breaker.js'
import { Outages } from './outages.js'
import { atEndOfTick } from './tick.js'

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
  recovered(degradedMs: Milliseconds): void
  failed(operation: string, error: Error): void
  answered(operation: string, tookMs: Milliseconds): void
}

interface ReadBatch {
  readonly keys: string[]
  readonly resolvers: ((answer: Bytes | undefined | Unavailable) => void)[]
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
  #batch: ReadBatch | undefined
  /** Until the first connection stands, or one deadline after the start: only then may operations wait for it. */
  #starting: Promise<void> | undefined
  #endStarting: (() => void) | undefined
  #lastAnsweredAtMs: AtMs
  readonly #outages: Outages
  /** What ends each operation under way, as if L2 had not answered. */
  readonly #underWay = new Set<() => void>()
  #ended = false

  constructor(
    private readonly store: RemoteStore,
    private readonly clock: Clock,
    private readonly policy: TierPolicy,
    random: () => number,
    private readonly owner: RemoteTierOwner,
  ) {
    this.#outages = new Outages(clock, owner)
    this.#lastAnsweredAtMs = clock.nowMs()
    this.#breaker = new Breaker(policy.breaker ?? NO_BREAKER, clock, random, {
      tryAgain: () => this.#tryAgain(),
      opened: (reason) => this.#outages.opened(reason),
      closed: () => this.#outages.closed(),
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

  /** The longest that a caller waits for L2. */
  get timeoutMs(): Milliseconds {
    return this.policy.timeoutMs
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
  }

  /** The store says that commands cannot be sent now. */
  storeUnready(reason: Error): void {
    if (this.#starting === undefined) this.#breaker.open(reason)
  }

  /** Reads one key; the reads of one tick leave together. */
  read(storeKey: string): Promise<Bytes | undefined | Unavailable> {
    if (!this.mayAnswer()) return NOT_AVAILABLE
    let batch = this.#batch
    if (batch === undefined) {
      batch = { keys: [], resolvers: [] }
      this.#batch = batch
      atEndOfTick(() => this.#sendReads())
    }
    const { keys, resolvers } = batch
    const answer = new Promise<Bytes | undefined | Unavailable>((resolve) => {
      keys.push(storeKey)
      resolvers.push(resolve)
    })
    if (keys.length >= MAX_KEYS_PER_READ) this.#sendReads()
    return answer
  }

  #sendReads(): void {
    const batch = this.#batch
    if (batch === undefined) return
    this.#batch = undefined
    const settle = (answers: readonly (Bytes | undefined)[] | Unavailable) => {
      for (let i = 0; i < batch.resolvers.length; i++) {
        batch.resolvers[i]?.(answers === UNAVAILABLE ? UNAVAILABLE : answers[i])
      }
    }
    void this.readMany(batch.keys).then(settle)
  }

  /** Reads in the order of `storeKeys`, in a command of its own. */
  readMany(storeKeys: readonly string[]): Promise<readonly (Bytes | undefined)[] | Unavailable> {
    return this.#run('read', () => this.store.read(storeKeys))
  }

  claim(
    storeKey: string,
    lease: Bytes,
    leaseMs: Milliseconds,
    limits?: OperationLimits<Bytes | undefined>,
  ): Promise<Bytes | undefined | Unavailable> {
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
    return this.#run('apply', () => this.store.apply(changes, announcement))
  }

  /** `apply` for the recovery itself, which runs while the breaker still keeps everybody else out. */
  async applyInRecovery(
    changes: readonly Change[],
    announcement: Bytes | undefined,
  ): Promise<readonly ChangeResult[] | Unavailable> {
    if (!this.store.isReady()) return UNAVAILABLE
    return this.#withDeadline('apply', () => this.store.apply(changes, announcement))
  }

  /** Administration: may take long, has no deadline but `signal`, and rejects with what went wrong. */
  async deleteByPrefix(storePrefix: string, signal: AbortSignal | undefined): Promise<number> {
    if (this.#starting !== undefined) await this.#starting
    if (!this.isAvailable())
      throw new CacheError('L2_UNAVAILABLE', 'expected L2 to be reachable; it is not. Try again later')
    return this.store.deleteByPrefix(storePrefix, signal)
  }

  /** Asks for nothing in particular, to see whether L2 answers at all. */
  async answers(): Promise<boolean> {
    return (await this.#withDeadline('probe', () => this.store.readTokens(['c:probe']))) !== UNAVAILABLE
  }

  /** Nothing is asked any more, and what is under way counts as not answered. */
  end(): void {
    this.#ended = true
    this.#endStarting?.()
    this.#breaker.end()
    for (const giveUp of [...this.#underWay]) giveUp()
  }

  async #tryAgain(): Promise<boolean> {
    return this.store.isReady() && (await this.owner.comeBack())
  }

  async #run<T>(operation: string, run: () => Promise<T>, limits?: OperationLimits<T>): Promise<T | Unavailable> {
    if (this.#starting !== undefined) await this.#starting
    if (!this.isAvailable() || (limits !== undefined && limits.withinMs <= 0)) return UNAVAILABLE
    return this.#withDeadline(operation, run, limits)
  }

  /** The client's promise may never settle (PEERS row 34), so the deadline is ours; nobody waits for a late answer. */
  #withDeadline<T>(operation: string, run: () => Promise<T>, limits?: OperationLimits<T>): Promise<T | Unavailable> {
    const { timeoutMs } = this.policy
    const limitMs = limits === undefined ? timeoutMs : Math.min(limits.withinMs, timeoutMs)
    const sentAtMs = this.clock.nowMs()
    return new Promise((resolve) => {
      let isOver = false
      const end = (answer: T | Unavailable) => {
        isOver = true
        cancel()
        this.#underWay.delete(giveUp)
        resolve(answer)
      }
      const giveUp = () => end(UNAVAILABLE)
      const cancel = this.clock.after(limitMs, () => {
        giveUp()
        this.#failed(operation, new CacheError('L2_TIMEOUT', `expected L2 to answer ${operation} within ${limitMs} ms`))
      })
      this.#underWay.add(giveUp)
      const answered = (answer: T) => {
        if (isOver) {
          limits?.tooLate?.(answer)
          return
        }
        end(answer)
        this.#answered(operation, this.clock.nowMs() - sentAtMs)
      }
      const failed = (error: unknown) => {
        if (isOver) return
        giveUp()
        this.#failed(operation, asError(error))
      }
      try {
        run().then(answered, failed)
      } catch (error) {
        failed(error)
      }
    })
  }

  #answered(operation: string, tookMs: Milliseconds): void {
    this.#lastAnsweredAtMs = this.clock.nowMs()
    this.#breaker.succeeded(tookMs)
    this.#outages.worked(operation)
    this.owner.answered(operation, tookMs)
  }

  #failed(operation: string, error: Error): void {
    this.owner.failed(operation, error)
    // A refusal of this client will not heal by asking again soon.
    if (error instanceof CacheError && error.code === 'L2_MISCONFIGURED') {
      this.#outages.refused(operation)
      this.#breaker.open(error)
    } else this.#breaker.failed(error)
  }

  #awaitFirstConnection(): void {
    this.#starting = new Promise((resolve) => {
      const cancel = this.clock.after(this.policy.timeoutMs, () => {
        this.#endStarting?.()
        if (!this.store.isReady()) {
          this.#breaker.open(new CacheError('L2_UNAVAILABLE', 'expected L2 to be connected by now; it is not yet'))
        }
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

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
