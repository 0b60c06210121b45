// What this process changes leaves here: the changes of one tick in one go, followed by one announcement to the other processes.
import { atEndOfTick } from '../../model/time/tick.js'
import type { Background } from '../runtime/background.js'
import { bytesOf, idOf, keyId, type Outgoing, removalOf } from './pending-change.js'
import type { Teller } from './publisher.js'

/** What became of a write or an invalidation. 'queued': Redis could not be reached; it is told as soon as it can (G6). */
export type WriteResult = 'applied' | 'queued'

/** Takes what could not be told. */
export interface Journal {
  add(outgoing: Outgoing): void
  /** Told and confirmed: kept for a while, since a failover may lose it. */
  confirmed(outgoing: Outgoing): void
  /** Whether an older change of the same subject still waits: then a newer one waits behind it. */
  blocks(outgoing: Outgoing): boolean
}

interface Waiting {
  readonly outgoing: Outgoing
  readonly settle: (result: WriteResult) => void
  readonly release: (() => void) | undefined
}

/** More changes than this in one step would hold up the server's other clients. */
const MAX_BATCH = 1_000

/** Beside the changes of one call, however many those are. Beyond it what waits goes to the journal, which is bounded. */
const MAX_WAITING = 200_000

/**
 * Sends the changes of one tick together. A change that was not confirmed goes to the journal: it is never lost silently.
 *
 * Bounded: a value for which there is no room among the pending writes leaves as the removal of its key, and no more than
 * `MAX_WAITING` changes wait here beside those of the largest call.
 */
export class Outbox {
  readonly #waiting: Waiting[] = []
  /** What is neither confirmed nor in the journal yet, about each key and about labels in all. */
  readonly #openOfKey = new Map<string, number>()
  #openLabels = 0
  #readers: { openBefore: number; readonly go: () => void }[] = []
  #underWay = 0
  /** How many changes the largest call brought since something waits. */
  #largestCall = 0
  #isSending = false

  constructor(
    private readonly teller: Teller,
    private readonly journal: Journal,
    private readonly background: Background,
    private readonly dropped: (outgoing: Outgoing) => void,
  ) {}

  /** Changes of which it is not known yet whether they were told. */
  get size(): number {
    return this.#waiting.length + this.#underWay
  }

  /** Resolves when every change was applied and announced, or is in the journal. */
  async submit(outgoing: readonly Outgoing[]): Promise<WriteResult> {
    if (!this.teller.hasListeners) return 'applied'
    if (outgoing.length === 1) return this.#enqueue(outgoing[0] as Outgoing)
    this.#largestCall = Math.max(this.#largestCall, outgoing.length)
    const results = await Promise.all(outgoing.map((one) => this.#enqueue(one)))
    return results.includes('queued') ? 'queued' : 'applied'
  }

  #enqueue(outgoing: Outgoing): Promise<WriteResult> {
    return new Promise((settle) => {
      this.#waiting.push(this.#admitted(outgoing, settle))
      this.#count(outgoing, 1)
      if (this.#isSending) return
      this.#isSending = true
      this.background.run('tell changes', () => new Promise((resolve) => atEndOfTick(() => resolve(this.#sendAll()))))
    })
  }

  /**
   * Whether L2 may be read of this key: `undefined`, or once every change of it that this process made before is confirmed or in the
   * journal. So a read sees what was changed before it, also if nobody awaited the change (G2).
   */
  beforeReadOf(localKey: string): Promise<'settled'> | undefined {
    if (this.#openLabels === 0 && !this.#openOfKey.has(keyId(localKey))) return undefined
    return new Promise((resolve) => {
      this.#readers.push({ openBefore: this.size, go: () => resolve('settled') })
    })
  }

  #count(outgoing: Outgoing, by: 1 | -1): void {
    const id = idOf(outgoing)
    if (id !== keyId(outgoing.subject)) {
      this.#openLabels += by
      return
    }
    const count = (this.#openOfKey.get(id) ?? 0) + by
    if (count === 0) this.#openOfKey.delete(id)
    else this.#openOfKey.set(id, count)
  }

  /** They are confirmed or in the journal: who waited for that may read. */
  #settled(settled: readonly Waiting[]): void {
    for (const { outgoing } of settled) this.#count(outgoing, -1)
    if (this.#readers.length === 0) return
    const readers = this.#readers
    this.#readers = []
    for (const reader of readers) {
      reader.openBefore -= settled.length
      if (reader.openBefore > 0) this.#readers.push(reader)
      else reader.go()
    }
  }

  #admitted(outgoing: Outgoing, settle: Waiting['settle']): Waiting {
    const bytes = bytesOf(outgoing)
    if (bytes === 0) return { outgoing, settle, release: undefined }
    const release = this.background.admitWrite(bytes)
    if (release !== undefined) return { outgoing, settle, release }
    this.dropped(outgoing)
    return { outgoing: removalOf(outgoing), settle, release: undefined }
  }

  /**
   * One batch after the other: what comes while one is on its way travels in the next. So two changes of one key keep their order,
   * also when the first fails and the second does not.
   */
  async #sendAll(): Promise<void> {
    try {
      while (this.#waiting.length > 0) {
        const isTooMuch = this.#waiting.length > MAX_WAITING + this.#largestCall
        const batch = this.#waiting.splice(0, isTooMuch ? this.#waiting.length : MAX_BATCH)
        this.#underWay = batch.length
        if (isTooMuch) this.#leaveToJournal(batch)
        else await this.#sendBatch(batch)
        this.#underWay = 0
        this.#settled(batch)
      }
    } finally {
      this.#largestCall = 0
      this.#isSending = false
    }
  }

  async #sendBatch(waiting: readonly Waiting[]): Promise<void> {
    const sent = waiting.map(({ outgoing }) => outgoing.mustReseal !== true && !this.journal.blocks(outgoing))
    const toSend = waiting.flatMap(({ outgoing }, i) => (sent[i] ? [outgoing] : []))
    // Whatever goes wrong here, who waits for it is told that it is queued.
    const results = await this.teller.tell(toSend, 'work').catch((error: Error) => toSend.map(() => error))
    let answered = 0
    for (let i = 0; i < waiting.length; i++) {
      const one = waiting[i] as Waiting
      const isConfirmed = sent[i] === true && results[answered++] === undefined
      if (!isConfirmed) {
        this.#leaveToJournal([one])
        continue
      }
      one.release?.()
      this.journal.confirmed(one.outgoing)
      one.settle('applied')
    }
  }

  #leaveToJournal(waiting: readonly Waiting[]): void {
    for (const { outgoing, settle, release } of waiting) {
      release?.()
      this.journal.add(outgoing)
      settle('queued')
    }
  }
}
