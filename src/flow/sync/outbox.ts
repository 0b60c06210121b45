// Sends the changes of this process: those of one tick together, followed by one announcement to the other processes.
import { atEndOfTick } from '../../model/time/tick.js'
import type { Background } from '../runtime/background.js'
import { bytesOf, idOf, keyId, type PendingChange, removalOf } from './pending-change.js'
import type { Publisher } from './publisher.js'

/**
 * The result of a write or an invalidation. `'applied'`: L2 confirmed the change. `'queued'`: L2 did not confirm it; the change has taken
 * effect in this process and is published once L2 can be reached (G6).
 */
export type WriteResult = 'applied' | 'queued'

/** Takes the changes that could not be published. */
export interface ChangeJournal {
  add(pending: PendingChange): void
  /** The change was published and confirmed. It is remembered for a while, since a failover may lose it. */
  confirmed(pending: PendingChange): void
  /** Whether an older change of the same subject still waits: then a newer one waits behind it. */
  blocks(pending: PendingChange): boolean
}

interface Waiting {
  readonly pending: PendingChange
  readonly settle: (result: WriteResult) => void
  readonly release: (() => void) | undefined
}

/** More changes than this in one step would hold up the server's other clients. */
const MAX_BATCH = 1_000

/** How many changes may wait beside those of the largest call. Beyond that they go to the journal, which is bounded. */
const MAX_WAITING = 200_000

/**
 * Sends the changes of one tick together. A change that was not confirmed goes to the journal: it is never lost silently.
 *
 * Bounded: a value for which there is no room among the pending writes is sent as the removal of its key, and no more than `MAX_WAITING`
 * changes wait here beside those of the largest call.
 */
export class Outbox {
  readonly #waiting: Waiting[] = []
  /** How many changes are neither confirmed nor in the journal yet: per key, and in total for labels. */
  readonly #openOfKey = new Map<string, number>()
  #openLabels = 0
  #readers: { openBefore: number; readonly go: () => void }[] = []
  #inFlight = 0
  /** How many changes the largest call had since something waits. */
  #largestCall = 0
  #isSending = false

  constructor(
    private readonly publisher: Publisher,
    private readonly journal: ChangeJournal,
    private readonly background: Background,
    private readonly dropped: (pending: PendingChange) => void,
  ) {}

  /** How many changes are neither confirmed nor in the journal yet. */
  get size(): number {
    return this.#waiting.length + this.#inFlight
  }

  /** Resolves when every change was applied and announced, or is in the journal. */
  async submit(pending: readonly PendingChange[]): Promise<WriteResult> {
    if (!this.publisher.hasListeners) return 'applied'
    if (pending.length === 1) return this.#enqueue(pending[0] as PendingChange)
    this.#largestCall = Math.max(this.#largestCall, pending.length)
    const results = await Promise.all(pending.map((one) => this.#enqueue(one)))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  #enqueue(pending: PendingChange): Promise<WriteResult> {
    return new Promise((settle) => {
      this.#waiting.push(this.#admitted(pending, settle))
      this.#count(pending, 1)
      if (this.#isSending) return
      this.#isSending = true
      this.background.run(
        'publish changes',
        () => new Promise((resolve) => atEndOfTick(() => resolve(this.#sendAll()))),
      )
    })
  }

  /**
   * What a read of this key from L2 has to wait for: nothing (`undefined`), or that every earlier change of this process to the key is
   * confirmed or in the journal. So a read sees the changes before it, even if no caller awaited them (G2).
   */
  beforeReadOf(localKey: string): Promise<'settled'> | undefined {
    if (!this.isChanging(localKey)) return undefined
    return new Promise((resolve) => {
      this.#readers.push({ openBefore: this.size, go: () => resolve('settled') })
    })
  }

  /** Whether a change of this key, or of any label, is neither confirmed nor in the journal. */
  isChanging(localKey: string): boolean {
    return this.#openLabels > 0 || (this.#openOfKey.size > 0 && this.#openOfKey.has(keyId(localKey)))
  }

  #count(pending: PendingChange, by: 1 | -1): void {
    const id = idOf(pending)
    if (id !== keyId(pending.subject)) {
      this.#openLabels += by
      return
    }
    const count = (this.#openOfKey.get(id) ?? 0) + by
    if (count === 0) this.#openOfKey.delete(id)
    else this.#openOfKey.set(id, count)
  }

  /** These are confirmed or in the journal, so reads that waited for them go on. */
  #settled(settled: readonly Waiting[]): void {
    for (const { pending } of settled) this.#count(pending, -1)
    if (this.#readers.length === 0) return
    const readers = this.#readers
    this.#readers = []
    for (const reader of readers) {
      reader.openBefore -= settled.length
      if (reader.openBefore > 0) this.#readers.push(reader)
      else reader.go()
    }
  }

  #admitted(pending: PendingChange, settle: Waiting['settle']): Waiting {
    const bytes = bytesOf(pending)
    if (bytes === 0) return { pending, settle, release: undefined }
    const release = this.background.admitWrite(bytes)
    if (release !== undefined) return { pending, settle, release }
    this.dropped(pending)
    return { pending: removalOf(pending), settle, release: undefined }
  }

  /**
   * One batch after the other: changes that come while one is in flight go into the next. So two changes of one key keep their order,
   * even if the first fails and the second does not.
   */
  async #sendAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const isTooMuch = this.#waiting.length > MAX_WAITING + this.#largestCall
        const batch = this.#waiting.splice(0, isTooMuch ? this.#waiting.length : MAX_BATCH)
        this.#inFlight = batch.length
        if (isTooMuch) this.#leaveToJournal(batch)
        else await this.#sendBatch(batch)
        this.#inFlight = 0
        this.#settled(batch)
      }
    } finally {
      this.#largestCall = 0
      this.#isSending = false
    }
  }

  async #sendBatch(waiting: readonly Waiting[]): Promise<void> {
    const sent = waiting.map(({ pending }) => pending.mustReseal !== true && !this.journal.blocks(pending))
    const toSend = waiting.flatMap(({ pending }, i) => (sent[i] ? [pending] : []))
    // Whatever goes wrong here, the callers get 'queued'.
    const results = await this.publisher.publish(toSend, 'normal').catch((error: Error) => toSend.map(() => error))
    let nextResult = 0
    for (let i = 0; i < waiting.length; i++) {
      const one = waiting[i] as Waiting
      const isConfirmed = sent[i] === true && results[nextResult++] === undefined
      if (!isConfirmed) {
        this.#leaveToJournal([one])
        continue
      }
      one.release?.()
      this.journal.confirmed(one.pending)
      one.settle('applied')
    }
  }

  #leaveToJournal(waiting: readonly Waiting[]): void {
    for (const { pending, settle, release } of waiting) {
      release?.()
      this.journal.add(pending)
      settle('queued')
    }
  }
}
