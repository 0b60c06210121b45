// New ids for a replay: two answers in one conversation must not have the same id, nor must their tool calls.
import { createHash, randomBytes } from 'node:crypto'

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'
/** What follows the prefix of an id that is unique beyond its own stream. Shorter ones, such as '0', count the parts of a stream. */
const SHORTEST = 8

/** Ids of one replay: the same old id always gets the same new one, with its prefix and length, since providers check both. */
export class FreshIds {
  readonly #seed = randomBytes(12)

  of<T>(id: T): T {
    if (typeof id !== 'string') return id
    const cut = Math.max(id.lastIndexOf('_'), id.lastIndexOf('-')) + 1
    if (id.length - cut < SHORTEST) return id
    const digest = createHash('sha512').update(this.#seed).update(id).digest()
    let fresh = id.slice(0, cut)
    for (let i = 0; i < id.length - cut; i++) fresh += LETTERS[(digest[i % digest.length] as number) % LETTERS.length]
    return fresh as T
  }
}
