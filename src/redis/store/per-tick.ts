// Commands of one kind that one tick asks for, as one script: each command of its own costs the client more than its key does.
import type { Milliseconds } from '../../model/ports.js'
import { TickBatch } from '../../model/time/tick.js'
import { faultBehind } from '../client/classify-error.js'

/** What one script may do, so that the server's other clients do not wait for it long. */
export const MAX_AT_ONCE = 128
export const MAX_BYTES_AT_ONCE = 128 * 1024
/** A script costs the server more than the commands that it replaces, and the client much less. */
export const FEWEST_AT_ONCE = 3

/** One key with the bytes that are to stand there and how long. */
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
  /** Also where `many` failed for a reason that concerns some of them only. */
  one(item: Item): Promise<Answer>
}

interface Asked<Item, Answer> {
  readonly item: Item
  readonly resolve: (answer: Answer | Promise<Answer>) => void
  readonly reject: (error: unknown) => void
}

export class PerTick<Item extends KeyBytes, Answer> {
  readonly #batch = new TickBatch<Asked<Item, Answer>>((all) => this.#send(all))
  readonly #sender: Sender<Item, Answer>

  constructor(sender: Sender<Item, Answer>) {
    this.#sender = sender
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => this.#batch.add({ item, resolve, reject }))
  }

  #send(all: readonly Asked<Item, Answer>[]): void {
    const mayShare = this.#sender.mayShare()
    for (let from = 0; from < all.length; ) {
      const to = mayShare ? endOfShare(all, from) : from + 1
      if (to - from < FEWEST_AT_ONCE) for (; from < to; from++) this.#sendOne(all[from] as Asked<Item, Answer>)
      else this.#sendMany(all.slice(from, to))
      from = to
    }
  }

  #sendOne({ item, resolve }: Asked<Item, Answer>): void {
    resolve(this.#sender.one(item))
  }

  #sendMany(some: readonly Asked<Item, Answer>[]): void {
    this.#sender.many(some.map(({ item }) => item)).then(
      (answers) => {
        for (let i = 0; i < some.length; i++) (some[i] as Asked<Item, Answer>).resolve(answers[i] as Answer)
      },
      (error: unknown) => {
        const isOfSome = concernsSome(error)
        for (const asked of some) {
          if (isOfSome) this.#sendOne(asked)
          else asked.reject(error)
        }
      },
    )
  }
}

/** As many from `from` on as one script may take, but one at least. */
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
