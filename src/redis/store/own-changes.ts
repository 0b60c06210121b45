// What this process recently did to keys. Redis also reports a process's own writes to its tracking bus, and they must not count as changes
// by others.
import { tokenKeyOf } from '../../model/keys/key.js'
import type { Change, Token } from '../../model/ports.js'

/** How many keys are remembered. A forgotten change counts as a change by another process, which costs a read of the store. */
const MAX_KEYS = 10_000
/** How many writes of one key are remembered, since their messages may still be on the way. */
const MAX_MARKS_PER_KEY = 4

/** A key that this process changed. */
export interface OwnChange {
  /** The beginnings of values that it wrote or found. Each is random and never comes back once it was replaced. */
  readonly marks: readonly string[]
  /** Whether its last change removed the key. Unlike a mark, absence can come back, so this is good for the present message only. */
  readonly removed: boolean
}

export class OwnChanges {
  readonly #byKey = new Map<string, OwnChange>()

  /** `name` is the cache's. */
  constructor(private readonly name: string) {}

  /** Call before the command is sent: the server may report the change before it replies. `mark`: a stamp, a token, or its soft half. */
  wrote(key: string, mark: string | Uint8Array): void {
    const text = typeof mark === 'string' ? mark : stampOf(mark)
    const marks = this.#byKey.get(key)?.marks ?? []
    if (marks.at(-1) === text && this.#byKey.get(key)?.removed === false) return
    this.#remember(key, { marks: [...marks.slice(1 - MAX_MARKS_PER_KEY), text], removed: false })
  }

  removed(key: string): void {
    this.#remember(key, { marks: this.#byKey.get(key)?.marks ?? [], removed: true })
  }

  /** Call before the change is sent. */
  changed(change: Change): void {
    switch (change.op) {
      case 'put':
      case 'replace':
        this.wrote(change.key, change.bytes)
        break
      case 'expire':
        this.wrote(change.key, change.stamp)
        break
      case 'delete':
        if (change.hold === undefined) this.removed(change.key)
        else this.wrote(change.key, change.hold.fence)
        break
      case 'invalidateLabel':
        // If the label is held, its key is not gone, so this process takes it for a change by another process: one more read.
        this.removed(tokenKeyOf(change.label, this.name))
        break
      case 'expireLabel':
        // The server makes the new soft half, so this process takes it for a change by another process: one more read.
        break
      default:
        change satisfies never
    }
  }

  /** The tokens that a read of labels returned, or is about to plant. */
  found(labels: readonly string[], tokens: readonly (Token | undefined)[]): void {
    for (const [i, token] of tokens.entries()) {
      if (token !== undefined) this.wrote(tokenKeyOf(labels[i] as string, this.name), token)
    }
  }

  of(key: string): OwnChange | undefined {
    return this.#byKey.get(key)
  }

  #remember(key: string, change: OwnChange): void {
    this.#byKey.delete(key)
    this.#byKey.set(key, change)
    if (this.#byKey.size > MAX_KEYS) this.#byKey.delete(this.#byKey.keys().next().value as string)
  }
}

/** Whether this process left the value that stands there now. `head`: its first 32 bytes. */
export function isOwn(change: OwnChange, head: Uint8Array): boolean {
  if (head.length === 0) return change.removed
  const text = latin1(head)
  return change.marks.some((mark) => mark === text || mark === text.slice(0, 16) || mark === text.slice(16))
}

/** The stamp that a value begins with. */
function stampOf(bytes: Uint8Array): string {
  return latin1(bytes.subarray(0, 16))
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}
