// The reads of one tick, sent together.
import type { Bytes } from '../model/ports.js'
import { TickBatch } from '../model/time/tick.js'
import { UNAVAILABLE, type Unavailable } from './operation.js'

/** More keys in one command would delay the server's other clients. */
const MAX_KEYS_PER_READ = 1_000

interface PendingRead {
  readonly storeKey: string
  readonly resolve: (answer: Bytes | undefined | Unavailable) => void
}

/** Returns results in the order of the keys. Never rejects. */
type ReadMany = (storeKeys: readonly string[]) => Promise<readonly (Bytes | undefined)[] | Unavailable>

export class ReadBatch {
  readonly #reads = new TickBatch<PendingRead>((reads) => this.#send(reads))

  constructor(private readonly readMany: ReadMany) {}

  read(storeKey: string): Promise<Bytes | undefined | Unavailable> {
    return new Promise((resolve) => this.#reads.add({ storeKey, resolve }))
  }

  #send(reads: readonly PendingRead[]): void {
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
}
