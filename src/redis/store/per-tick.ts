// Sends the commands of one kind of one tick as one script: for the client each further command costs more than a further key.
import type { Milliseconds } from '../../model/ports.js'
import { TickBatch } from '../../model/time/tick.js'
import { faultBehind } from '../client/classify-error.js'

/** The limits of one script, so that the server's other clients do not wait long for it. */
export const MAX_AT_ONCE = 128
export const MAX_BYTES_AT_ONCE = 128 * 1024
/** A script costs the server more than the commands that it replaces, and the client much less. So it needs this many items at least. */
export const FEWEST_AT_ONCE = 3

/** A key, the bytes that are stored or expected there, and their life. */
export interface KeyBytes {
  readonly key: string
  readonly bytes: Buffer
  readonly keepMs: Milliseconds
}

/** How commands of one kind are sent. */
export interface Sender<Item, Answer> {
  /** Whether one script may have all of these keys now. */
  mayShare(): boolean
  /** In the order of `items`. */
  many(items: readonly Item[]): Promise<readonly Answer[]>
  /** Also called if `many` failed for a reason that concerns only some of the items. */
  one(item: Item): Promise<Answer>
}

/** An item whose result is awaited. */
interface PendingItem<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer | Promise<Answer>) => void
  readonly reject: (error: unknown) => void
}

export class PerTick<Item extends KeyBytes, Answer> {
  readonly #batch = new TickBatch<PendingItem<Item, Answer>>((all) => this.#send(all))
  readonly #sender: Sender<Item, Answer>

  constructor(sender: Sender<Item, Answer>) {
    this.#sender = sender
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => this.#batch.add({ item, resolve, reject }))
  }

  #send(all: readonly PendingItem<Item, Answer>[]): void {
    const mayShare = this.#sender.mayShare()
    for (let from = 0; from < all.length; ) {
      const to = mayShare ? endOfShare(all, from) : from + 1
      if (to - from < FEWEST_AT_ONCE) for (; from < to; from++) this.#sendOne(all[from] as PendingItem<Item, Answer>)
      else this.#sendMany(all.slice(from, to))
      from = to
    }
  }

  #sendOne({ item, resolve }: PendingItem<Item, Answer>): void {
    resolve(this.#sender.one(item))
  }

  #sendMany(some: readonly PendingItem<Item, Answer>[]): void {
    this.#sender.many(some.map(({ item }) => item)).then(
      (answers) => {
        for (let i = 0; i < some.length; i++) (some[i] as PendingItem<Item, Answer>).resolve(answers[i] as Answer)
      },
      (error: unknown) => {
        const isOfSome = concernsSome(error)
        for (const pending of some) {
          if (isOfSome) this.#sendOne(pending)
          else pending.reject(error)
        }
      },
    )
  }
}

/** The end of the items that one script may take, from `from` on; at least one item. */
function endOfShare(all: readonly { readonly item: KeyBytes }[], from: number): number {
  let bytes = 0
  let to = from
  while (to < all.length && to - from < MAX_AT_ONCE) {
    bytes += (all[to] as { item: KeyBytes }).item.bytes.length
    if (bytes > MAX_BYTES_AT_ONCE && to > from) break
    to++
  }
  return to
}

function concernsSome(error: unknown): boolean {
  const fault = faultBehind(error)
  return fault === 'scriptMissing' || fault === 'outOfMemory' || fault === 'wrongType'
}
