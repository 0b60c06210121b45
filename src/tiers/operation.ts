// One command to L2, from its sending until L2 replies or its deadline passes.
import type { AtMs } from '../model/entry.js'
import { asError, CacheError } from '../model/errors.js'
import type { Attempt, Milliseconds } from '../model/ports.js'
import type { Timed } from './deadlines.js'

/** L2 did not reply, or was not asked. The caller goes on without it. */
export const UNAVAILABLE: unique symbol = Symbol('L2 unavailable')
export type Unavailable = typeof UNAVAILABLE

/** How long a caller can wait for an operation, and what is done with a reply that comes later. */
export interface OperationLimits<T> {
  readonly withinMs: Milliseconds
  tooLate?(answer: T): void
}

/** An operation in flight, whatever its command. */
export interface InFlightOperation extends Timed {
  readonly name: string
  readonly sentAtMs: AtMs
  readonly limitMs: Milliseconds
  /** Settles it as if L2 had not replied. The caller has already removed it from the operations in flight. */
  giveUp(): void
}

export interface OperationWatcher {
  /** Before `answered` and `failed`, except at the deadline: then the operation is already removed. */
  over(operation: InFlightOperation): void
  /** Returns when the reply came. */
  answered(operation: InFlightOperation): AtMs
  failed(operation: InFlightOperation, error: Error): void
}

/** Takes the reply to an operation, once; `atMs` is when it came. */
export type Settle<T> = (answer: T | Unavailable, atMs: AtMs) => void

export class Operation<T> implements InFlightOperation, Attempt {
  place = -1
  readonly dueAtMs: AtMs
  isOver = false

  constructor(
    readonly name: string,
    readonly sentAtMs: AtMs,
    readonly limitMs: Milliseconds,
    private readonly limits: OperationLimits<T> | undefined,
    private readonly watcher: OperationWatcher,
    private readonly settle: Settle<T>,
  ) {
    this.dueAtMs = sentAtMs + limitMs
  }

  giveUp(): void {
    this.isOver = true
    this.settle(UNAVAILABLE, this.sentAtMs)
  }

  onDue(): void {
    this.isOver = true
    const message = `expected L2 to reply to ${this.name}() within ${Math.ceil(this.limitMs)} ms; it did not`
    this.watcher.failed(this, new CacheError('L2_TIMEOUT', message))
    this.settle(UNAVAILABLE, this.dueAtMs)
  }

  readonly answered = (answer: T): void => {
    if (this.isOver) {
      this.limits?.tooLate?.(answer)
      return
    }
    this.isOver = true
    this.watcher.over(this)
    this.settle(answer, this.watcher.answered(this))
  }

  readonly failed = (error: unknown): void => {
    if (this.isOver) return
    this.isOver = true
    this.watcher.over(this)
    this.watcher.failed(this, asError(error))
    this.settle(UNAVAILABLE, this.sentAtMs)
  }
}
