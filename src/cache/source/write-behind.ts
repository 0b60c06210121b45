// Write-behind: a queue of changes, the newest of each id, which are saved in the source a little later and together.
import pLimit from 'p-limit'
import type { WaitingWork } from '../../flow/runtime/background.js'
import type { AtMs } from '../../model/entry.js'
import { CacheError } from '../../model/errors.js'
import { shortened } from '../../model/keys/long-key.js'
import type { Clock, Milliseconds } from '../../model/ports.js'
import { backoffMs, type Random } from '../../model/time/freshness.js'

/** A change of one id that is queued for the source. */
export type QueuedChange = { readonly kind: 'save'; readonly value: unknown } | { readonly kind: 'remove' }

/** The options of a write-behind queue, as numbers. */
export interface WriteBehindPolicy {
  /** How many waiting ids start a flush before the interval is over. */
  readonly flushSize: number
  /** The longest that a change waits before it is flushed. */
  readonly flushIntervalMs: Milliseconds
  /** How many ids may be queued. */
  readonly maxQueued: number
  /** How long a change waits for room in a full queue before it is refused. */
  readonly maxWaitMs: Milliseconds
  /** How many changes are saved at the same time. */
  readonly concurrency: number
}

/** What the queue needs of its source. */
export interface WriteBehindOwner<Id> {
  readonly clock: Clock
  readonly random: Random
  /** Makes the change in the source. A rejection means that it may not have been made. */
  write(id: Id, key: string, change: QueuedChange, attempt: number): Promise<unknown>
  /** Reports a failed attempt. */
  failed(key: string, attempt: number, error: unknown, retryInMs: Milliseconds): void
}

/** One id with changes that have not reached the source. */
interface Slot<Id> {
  readonly id: Id
  readonly key: string
  waiting: QueuedChange | undefined
  /** The change that is being saved; `waiting` is newer. */
  inFlight: QueuedChange | undefined
  /** When `waiting` is due to be flushed. */
  dueAtMs: AtMs
  /** How many attempts in a row have failed. */
  failures: number
  /** Settles when the change has been tried; set from the moment when it queues for one of the `concurrency` places. */
  running: Promise<void> | undefined
}

/** A change that waits for room in a full queue. */
interface Applicant<Id> {
  readonly id: Id
  readonly key: string
  readonly change: QueuedChange
  readonly admit: () => void
  readonly refuse: (error: CacheError) => void
}

const FIRST_RETRY_MS: Milliseconds = 100
const LONGEST_RETRY_MS: Milliseconds = 30_000

/**
 * Invariants:
 * - For each id at most one change is being saved and at most one waits, the newest. So the changes of an id reach the source in the
 *   order in which they were made, and some are skipped.
 * - A change that failed waits again, unless a newer one waits already. It is tried until it succeeds or the queue ends.
 * - At most `maxQueued` ids are queued, and at most as many changes wait for room.
 */
export class WriteBehind<Id> implements WaitingWork {
  readonly #slots = new Map<string, Slot<Id>>()
  readonly #applicants: Applicant<Id>[] = []
  readonly #limit: ReturnType<typeof pLimit>
  /** Changes queued since the last flush began. */
  #added = 0
  #timer: { readonly atMs: AtMs; readonly cancel: () => void } | undefined
  #isEnded = false

  constructor(
    private readonly policy: WriteBehindPolicy,
    private readonly owner: WriteBehindOwner<Id>,
  ) {
    this.#limit = pLimit(policy.concurrency)
  }

  /** How many ids have a change that has not reached the source. */
  get size(): number {
    return this.#slots.size
  }

  /** The newest change of an id that has not reached the source, which this process already reads. */
  newest(key: string): QueuedChange | undefined {
    if (this.#slots.size === 0) return undefined
    const slot = this.#slots.get(shortened(key))
    return slot?.waiting ?? slot?.inFlight
  }

  /** Resolves once the change is queued: at once, unless the queue is full. Rejects with `QUEUE_FULL` or `CLOSED`. */
  add(id: Id, key: string, change: QueuedChange): Promise<void> {
    if (this.#isEnded) return Promise.reject(closed())
    if (this.#hasRoomFor(key)) {
      this.#put(id, key, change)
      return Promise.resolve()
    }
    if (this.#applicants.length >= this.policy.maxQueued) return Promise.reject(this.#full())
    return this.#apply(id, key, change)
  }

  #hasRoomFor(key: string): boolean {
    if (this.#slots.has(shortened(key))) return true
    return this.#slots.size < this.policy.maxQueued && this.#applicants.length === 0
  }

  #apply(id: Id, key: string, change: QueuedChange): Promise<void> {
    return new Promise((resolve, reject) => {
      const cancel = this.owner.clock.after(this.policy.maxWaitMs, () => {
        this.#applicants.splice(this.#applicants.indexOf(applicant), 1)
        reject(this.#full())
      })
      const applicant: Applicant<Id> = {
        ...{ id, key, change },
        admit: () => {
          cancel()
          resolve()
        },
        refuse: (error) => {
          cancel()
          reject(error)
        },
      }
      this.#applicants.push(applicant)
      // Flush now: callers are waiting for room.
      this.#start((slot) => slot.failures === 0)
    })
  }

  #put(id: Id, key: string, change: QueuedChange): void {
    const nowMs = this.owner.clock.nowMs()
    let slot = this.#slots.get(shortened(key))
    if (slot === undefined) {
      slot = { id, key, waiting: undefined, inFlight: undefined, dueAtMs: 0, failures: 0, running: undefined }
      this.#slots.set(shortened(key), slot)
    }
    // A newer value does not postpone the flush of its id.
    if (slot.waiting === undefined) {
      slot.dueAtMs = nowMs + this.policy.flushIntervalMs
      this.#added++
    }
    slot.waiting = change
    if (this.#added >= this.policy.flushSize) this.#start((one) => one.failures === 0)
    else this.#planFlush(slot.dueAtMs)
  }

  #planFlush(atMs: AtMs): void {
    if (this.#isEnded || (this.#timer !== undefined && this.#timer.atMs <= atMs)) return
    this.#timer?.cancel()
    const cancel = this.owner.clock.after(Math.max(0, atMs - this.owner.clock.nowMs()), () => {
      this.#timer = undefined
      const nowMs = this.owner.clock.nowMs()
      this.#start((slot) => slot.dueAtMs <= nowMs)
      this.#planNext()
    })
    this.#timer = { atMs, cancel }
  }

  #planNext(): void {
    let atMs = Number.POSITIVE_INFINITY
    for (const slot of this.#slots.values()) {
      if (slot.waiting !== undefined && slot.running === undefined) atMs = Math.min(atMs, slot.dueAtMs)
    }
    if (atMs !== Number.POSITIVE_INFINITY) this.#planFlush(atMs)
  }

  #start(isWanted: (slot: Slot<Id>) => boolean): void {
    this.#added = 0
    for (const slot of this.#slots.values()) {
      if (slot.waiting !== undefined && slot.running === undefined && isWanted(slot)) this.#run(slot)
    }
  }

  #run(slot: Slot<Id>): Promise<void> {
    // `#write` takes the newest change when it starts, so values that are replaced while it waits for its place are not saved.
    slot.running ??= this.#limit(() => this.#write(slot)).then(() => {
      slot.running = undefined
      if (slot.waiting === undefined) this.#release(slot)
      else this.#planFlush(slot.dueAtMs)
    })
    return slot.running
  }

  async #write(slot: Slot<Id>): Promise<void> {
    const change = slot.waiting
    if (change === undefined || this.#isEnded) return
    slot.waiting = undefined
    slot.inFlight = change
    const attempt = slot.failures + 1
    try {
      await this.owner.write(slot.id, slot.key, change, attempt)
      slot.failures = 0
    } catch (error) {
      const retryInMs = backoffMs(attempt, FIRST_RETRY_MS, LONGEST_RETRY_MS, this.owner.random)
      slot.failures = attempt
      slot.waiting ??= change
      slot.dueAtMs = this.owner.clock.nowMs() + retryInMs
      this.owner.failed(slot.key, attempt, error, retryInMs)
    }
    slot.inFlight = undefined
  }

  /** The newest change of this id has reached the source: its place goes to changes that wait for room. */
  #release(slot: Slot<Id>): void {
    this.#slots.delete(shortened(slot.key))
    while (this.#slots.size < this.policy.maxQueued) {
      const applicant = this.#applicants.shift()
      if (applicant === undefined) return
      this.#put(applicant.id, applicant.key, applicant.change)
      applicant.admit()
    }
  }

  /** Tries every waiting change once. A change that fails goes on waiting. */
  async flush(): Promise<void> {
    const failedBefore = new Map<Slot<Id>, number>()
    while (!this.#isEnded) {
      const wanted = [...this.#slots.values()].filter((slot) => {
        if (slot.running !== undefined) return true
        return slot.waiting !== undefined && slot.failures <= (failedBefore.get(slot) ?? slot.failures)
      })
      if (wanted.length === 0) return
      for (const slot of wanted) if (!failedBefore.has(slot)) failedBefore.set(slot, slot.failures)
      await Promise.all(wanted.map((slot) => this.#run(slot)))
    }
  }

  /** Stops the queue. Returns how many ids have a change that never reached the source. */
  end(): number {
    this.#isEnded = true
    this.#timer?.cancel()
    for (const applicant of this.#applicants.splice(0)) applicant.refuse(closed())
    return this.#slots.size
  }

  #full(): CacheError {
    const { maxQueued } = this.policy
    return new CacheError(
      'QUEUE_FULL',
      `expected room among the ${maxQueued} ids that may be queued; there was none in time. Make save faster, raise ` +
        'behind.maxQueued or behind.maxWait, or make fewer changes',
    )
  }
}

function closed(): CacheError {
  return new CacheError('CLOSED', 'the cache was closed before this change could be queued')
}
