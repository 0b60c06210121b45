// Removes every key that begins with a prefix, without blocking a server: never KEYS, never FLUSHALL.

import { asBuffer } from '../../model/as-buffer.js'
import type { Bytes } from '../../model/ports.js'
import { faultBehind } from '../client/classify-error.js'
import type { Connection, Master } from '../connection/connection.js'
import { indexesBySlot } from '../connection/slot.js'
import { bytesIn, listOf, malformed } from '../server/replies.js'

export interface PrefixContext {
  readonly connection: Connection
  /** Removes keys that may share a command, and marks them as changed, so that no earlier write comes back. Returns how many existed. */
  remove(keys: readonly string[]): Promise<number>
  /** Decides by the beginning of a value; `undefined` means all. */
  readonly isMeant: ((head: Bytes) => boolean) | undefined
}

/** How much of each value is read for `isMeant`. */
const HEAD_BYTES = 64 * 1024

/** How many keys the server scans per step, and about how many are removed at once. */
const SCAN_COUNT = 500

/**
 * Works on every master, in batches, and returns how many keys were removed. It may miss keys that are added meanwhile and keys of a slot
 * that moves meanwhile. Rejects as soon as `signal` aborts, even if a server hangs; then at most one more command is executed.
 */
export function deleteByPrefix(context: PrefixContext, prefix: string, signal?: AbortSignal): Promise<number> {
  const removing = removeAll(context, prefix, signal)
  return signal === undefined ? removing : orAborted(removing, signal)
}

async function removeAll(context: PrefixContext, prefix: string, signal: AbortSignal | undefined): Promise<number> {
  const { connection } = context
  let removed = 0
  for (const master of connection.masters()) {
    for await (const keys of scanPrefix(master, connection.keyPrefix, prefix, signal)) {
      signal?.throwIfAborted()
      removed += await removeKeys(context, await meantOf(context, keys))
    }
  }
  return removed
}

function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason)
    if (signal.aborted) abort()
    signal.addEventListener('abort', abort)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', abort))
  })
}

/** Batches of keys, without the client's own prefix. A key may come twice. */
async function* scanPrefix(
  master: Master,
  keyPrefix: string,
  prefix: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<string[]> {
  const pattern = `${escapeGlob(keyPrefix + prefix)}*`
  let cursor = '0'
  do {
    // At each step, not at each batch: most steps may find nothing.
    signal?.throwIfAborted()
    const reply = await master.send('scan', [cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT])
    const [next, found] = listOf(reply, 2, 'SCAN')
    cursor = String(next)
    const keys = keysIn(found)
    if (keys.length > 0) yield keys.map((key) => key.slice(keyPrefix.length))
  } while (cursor !== '0')
}

async function meantOf({ connection, isMeant }: PrefixContext, keys: readonly string[]): Promise<readonly string[]> {
  if (isMeant === undefined) return keys
  const areMeant = await Promise.all(keys.map(async (key) => isMeant(await headOf(connection, key))))
  return keys.filter((_, i) => areMeant[i])
}

/** A key of another type is not ours and counts as empty. */
async function headOf(connection: Connection, key: string): Promise<Bytes> {
  try {
    const head = await connection.send(key, 'getrange', [key, 0, HEAD_BYTES - 1])
    return bytesIn(head, 'GETRANGE') ?? NO_BYTES
  } catch (error) {
    if (faultBehind(error) === 'wrongType') return NO_BYTES
    throw error
  }
}

const NO_BYTES = Buffer.alloc(0)

function keysIn(found: unknown): string[] {
  if (!Array.isArray(found)) throw malformed('SCAN', 'a list of keys', found)
  return found.map((key: unknown) => {
    const bytes = bytesIn(key, 'SCAN')
    if (bytes === undefined) throw malformed('SCAN', 'a key', key)
    return asBuffer(bytes).toString()
  })
}

async function removeKeys({ connection, remove }: PrefixContext, keys: readonly string[]): Promise<number> {
  if (keys.length === 0) return 0
  const groups = connection.order === 'one' ? [[...keys.keys()]] : indexesBySlot(keys, connection.keyPrefix)
  const counts = await Promise.all(groups.map((indexes) => remove(indexes.map((i) => keys[i] as string))))
  return counts.reduce((sum, count) => sum + count, 0)
}

/** Escapes a text so that a SCAN pattern matches it literally. */
export function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]^-]/g, '\\$&')
}
