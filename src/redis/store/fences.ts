// Leases and fences on Redis: values that are planted, stored or removed only if the expected bytes stand under the key. The commands of
// one tick are sent together.

import { hadAnotherLife, heldAnotherType, outOfMemory } from '../../model/events/notices.js'
import type { Bytes } from '../../model/ports.js'
import { faultBehind } from '../client/classify-error.js'
import type { Argument } from '../client/client.js'
import type { Connection } from '../connection/connection.js'
import { bytesIn, doneOrRefused, listOf, malformed } from '../server/replies.js'
import { CLAIM, EXTEND_IF, REMOVE_IF, type Script, SWAP, SWAP_MANY } from '../server/scripts.js'
import { type KeyBytes, PerTick } from './per-tick.js'

type Run = (script: Script, keys: readonly string[], args: readonly Argument[]) => Promise<unknown>

export interface FenceContext {
  /** Throws while no connection is ready. */
  connection(): Connection
  /** Whether one script may use keys of several slots. */
  mayShare(): boolean
  readonly run: Run
  /** Rejects if the server does not have the script. */
  readonly runKnown: Run
  notice(code: string, detail: string): void
}

/** Stores a value if the present value begins with `expected`. */
export interface Swap extends KeyBytes {
  readonly expected: Buffer
}

export class Fences {
  readonly #context: FenceContext
  readonly #extensions: PerTick<KeyBytes, undefined | 'refused'>
  readonly #claims: PerTick<KeyBytes, Bytes>
  readonly #swaps: PerTick<Swap, undefined | 'refused'>

  constructor(context: FenceContext) {
    this.#context = context
    const { mayShare } = context
    this.#claims = new PerTick({ mayShare, many: (all) => this.#claimMany(all), one: (claim) => this.#claimOne(claim) })
    this.#extensions = new PerTick({
      mayShare,
      many: (all) => this.#extendMany(all, context.runKnown),
      one: async (extension) => (await this.#extendMany([extension], context.run))[0],
    })
    this.#swaps = new PerTick({ mayShare, many: (all) => this.#swapMany(all), one: (swap) => this.#swapOne(swap) })
  }

  claim(claim: KeyBytes): Promise<Bytes> {
    return this.#claims.ask(claim)
  }

  swap(swap: Swap): Promise<undefined | 'refused'> {
    return this.#swaps.ask(swap)
  }

  async remove(key: string, expected: Buffer): Promise<undefined | 'refused'> {
    return doneOrRefused(await this.#context.run(REMOVE_IF, [key], [expected]), 'a removal')
  }

  /** Renews the life of a value that begins with `bytes`. */
  extend(extension: KeyBytes): Promise<undefined | 'refused'> {
    return this.#extensions.ask(extension)
  }

  async #extendMany(extensions: readonly KeyBytes[], run: Run): Promise<readonly (undefined | 'refused')[]> {
    const args: Argument[] = []
    for (const { bytes, keepMs } of extensions) args.push(bytes, keepMs)
    const reply = listOf(await run(EXTEND_IF, keysOf(extensions), args), extensions.length, 'a renewal')
    return reply.map((each) => doneOrRefused(each, 'a renewal'))
  }

  async #claimOne(claim: KeyBytes): Promise<Bytes> {
    const { key, bytes, keepMs } = claim
    const [reply] = listOf(await this.#context.run(CLAIM, [key], [bytes, keepMs]), 1, 'a claim')
    return this.#standing(reply, claim)
  }

  async #claimMany(claims: readonly KeyBytes[]): Promise<readonly Bytes[]> {
    const args: Argument[] = []
    for (const { bytes, keepMs } of claims) args.push(bytes, keepMs)
    const reply = listOf(await this.#context.runKnown(CLAIM, keysOf(claims), args), claims.length, 'a claim')
    return claims.map((claim, i) => this.#standing(reply[i], claim))
  }

  #standing(reply: unknown, { key }: KeyBytes): Bytes {
    const isInPlaceOfAnother = Array.isArray(reply)
    if (isInPlaceOfAnother) {
      if (reply.length > 1) this.#context.notice('WRONG_LIFE', hadAnotherLife(key))
      else this.#context.notice('WRONG_TYPE', heldAnotherType(key))
    }
    const there = bytesIn(isInPlaceOfAnother ? reply[0] : reply, 'a claim')
    if (there === undefined) throw malformed('a claim', 'what stands there', there)
    return there
  }

  async #swapOne({ key, expected, bytes, keepMs }: Swap): Promise<undefined | 'refused'> {
    const { run, notice } = this.#context
    try {
      return doneOrRefused(await run(SWAP, [key], [expected, bytes, keepMs]), 'a swap')
    } catch (error) {
      if (faultBehind(error) !== 'outOfMemory') throw error
      notice('OUT_OF_MEMORY', outOfMemory('a loaded value was not stored'))
      return doneOrRefused(await run(REMOVE_IF, [key], [expected]), 'a removal')
    }
  }

  async #swapMany(swaps: readonly Swap[]): Promise<readonly (undefined | 'refused')[]> {
    const args: Argument[] = []
    for (const { expected, bytes, keepMs } of swaps) args.push(expected, bytes, keepMs)
    const reply = listOf(await this.#context.runKnown(SWAP_MANY, keysOf(swaps), args), swaps.length, 'a swap')
    return reply.map((each) => doneOrRefused(each, 'a swap'))
  }
}

function keysOf(items: readonly KeyBytes[]): string[] {
  return items.map(({ key }) => key)
}
