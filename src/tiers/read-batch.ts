// The reads of one tick, sent together, and answered within the one reply.
import type { AtMs } from '../model/entry.js'
import type { Bytes } from '../model/ports.js'
import { TickBatch } from '../model/time/tick.js'
import { UNAVAILABLE, type Unavailable } from './operation.js'

/** More keys in one command would delay the server's other clients. */
const MAX_KEYS_PER_READ = 1_000

/** When a reply came. All reads of one command are judged at this instant. */
export interface ReadAt {
  readonly nowMs: AtMs
  /** The store's clock. */
  readonly storeNowMs: number
}

/** A read of one key that waits for L2. */
export interface PendingRead {
  storeKey: string
  /** Called once, synchronously within the reply. It must not throw, since other reads share the reply. */
  replied(bytes: Bytes | undefined | Unavailable, at: ReadAt): void
}

/** Passes on the results in the order of the keys, or that there are none. */
type ReadMany = (
  storeKeys: readonly string[],
  settle: (answers: readonly (Bytes | undefined)[] | Unavailable, at: ReadAt) => void,
) => void

export class ReadBatch {
  readonly #reads = new TickBatch<PendingRead>((reads) => this.#send(reads))

  constructor(private readonly readMany: ReadMany) {}

  add(read: PendingRead): void {
    this.#reads.add(read)
  }

  #send(reads: readonly PendingRead[]): void {
    for (let from = 0; from < reads.length; from += MAX_KEYS_PER_READ) {
      this.#sendOne(reads.length <= MAX_KEYS_PER_READ ? reads : reads.slice(from, from + MAX_KEYS_PER_READ))
    }
  }

  #sendOne(reads: readonly PendingRead[]): void {
    this.readMany(
      reads.map(({ storeKey }) => storeKey),
      (answers, at) => {
        for (let i = 0; i < reads.length; i++) {
          ;(reads[i] as PendingRead).replied(answers === UNAVAILABLE ? UNAVAILABLE : answers[i], at)
        }
      },
    )
  }
}
