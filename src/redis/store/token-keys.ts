// The tokens of labels. On a cluster, all token keys of a cache and its stream share one slot.

import { asBuffer } from '../../model/as-buffer.js'
import { outOfMemory } from '../../model/events/notices.js'
import { LONGEST_LEASE_MS } from '../../model/limits.js'
import type { EnsuredTokens, Milliseconds, Token } from '../../model/ports.js'
import { faultBehind } from '../client/classify-error.js'
import type { Argument } from '../client/client.js'
import type { Connection } from '../connection/connection.js'
import { countIn, listOf, toEntries, toToken } from '../server/replies.js'
import { ENSURE_TOKENS, HELD_LABEL, READ_TOKENS, type Script } from '../server/scripts.js'
import { chunksOf } from './read-keys.js'

/** How many announcements `ensure` reads at most. If there are more, `log` is `undefined`. */
const MAX_ANNOUNCEMENTS_SINCE = 1_000

export interface TokenKeysParts {
  readonly busKey: string
  readonly holdsKey: string
  keyOf(label: string): string
  run(script: Script, keys: readonly string[], args: readonly Argument[]): Promise<unknown>
  notice(code: string, detail: string): void
}

export class TokenKeys {
  readonly #parts: TokenKeysParts

  constructor(parts: TokenKeysParts) {
    this.#parts = parts
  }

  /** See `RemoteStore.readTokens`. */
  async read(connection: Connection, labels: readonly string[]): Promise<readonly (Token | undefined)[]> {
    const parts = await Promise.all(chunksOf(labels).map((some) => this.#read(connection, some)))
    return parts.flat().map(toToken)
  }

  async #read(connection: Connection, labels: readonly string[]): Promise<readonly unknown[]> {
    const { busKey, holdsKey, keyOf, run } = this.#parts
    const keys = labels.map(keyOf)
    if (!connection.mayReadReplicas) return listOf(await connection.send(busKey, 'mget', keys), keys.length, 'MGET')
    const [tokens] = listOf(await run(READ_TOKENS, [busKey, holdsKey, ...keys], [0, '', 0]), 3, 'tokens')
    return listOf(tokens, keys.length, 'tokens')
  }

  /** See `RemoteStore.ensureTokens`. */
  async ensure(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: number,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    const parts = chunksOf(labels)
    if (parts.length === 1) return this.#ensure(labels, candidates, keepMs, since)
    const tokens: (Token | undefined)[] = []
    let last: EnsuredTokens | undefined
    // One after the other, and the log with the last part: it must contain everything that was announced until all tokens were read.
    for (const [i, part] of parts.entries()) {
      const own = candidates.slice(tokens.length, tokens.length + part.length)
      last = await this.#ensure(part, own, keepMs, i === parts.length - 1 ? since : undefined)
      tokens.push(...last.tokens)
    }
    return { tokens, log: last?.log, holdEndedAgoMs: last?.holdEndedAgoMs }
  }

  async #ensure(
    labels: readonly string[],
    candidates: readonly Token[],
    keepMs: number,
    since: string | undefined,
  ): Promise<EnsuredTokens> {
    const { busKey, holdsKey, keyOf, run, notice } = this.#parts
    const keys = [busKey, holdsKey, ...labels.map(keyOf)]
    let arePlanted = true
    const args = [keepMs, since ?? '', MAX_ANNOUNCEMENTS_SINCE + 1]
    const reply = await run(ENSURE_TOKENS, keys, [...args, ...candidates]).catch((error: unknown) => {
      if (faultBehind(error) !== 'outOfMemory') throw error
      // A token that is not planted is current for no process: a value that is loaded now is served once and not kept.
      arePlanted = false
      notice('OUT_OF_MEMORY', outOfMemory('tokens of tags were not stored, so values with these tags are not kept'))
      return run(READ_TOKENS, keys, args)
    })
    const [tokens, log, held] = listOf(reply, 3, 'tokens')
    const isHeld = (token: unknown) => (arePlanted ? isNothing(token) : isHold(token))
    return {
      tokens: listOf(tokens, labels.length, 'tokens').map((token, i) =>
        isHeld(token) ? undefined : (toToken(token) ?? (candidates[i] as Token)),
      ),
      log: Array.isArray(log) ? toEntries(log).flatMap(({ bytes }) => bytes ?? []) : undefined,
      holdEndedAgoMs: holdEndedAgoMs(held),
    }
  }
}

function isNothing(reply: unknown): boolean {
  return reply === null || reply === undefined
}

function isHold(reply: unknown): boolean {
  return reply instanceof Uint8Array && asBuffer(reply).toString('latin1') === HELD_LABEL
}

/** The holds key lives for ten minutes more than the last hold. */
function holdEndedAgoMs(lifeMs: unknown): Milliseconds | undefined {
  return isNothing(lifeMs) ? undefined : LONGEST_LEASE_MS - countIn(lifeMs, 'tokens')
}
