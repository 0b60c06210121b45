// Reads many keys with one MGET, or on a cluster with one per slot.
import type { Bytes } from '../../model/ports.js'
import { faultBehind } from '../client/classify-error.js'
import type { Connection } from '../connection/connection.js'
import { indexesBySlot } from '../connection/slot.js'
import { bytesIn, listOf } from '../server/replies.js'

type Notice = (code: string, detail: string) => void

/** More keys in one command would delay the server's other clients. */
export const MAX_KEYS_PER_COMMAND = 1_000

/** In the order of `keys`. If some slots cannot be read, their keys are absent. If no slot can be read, it rejects. */
export function readKeys(
  connection: Connection,
  keys: readonly string[],
  notice: Notice,
): Promise<readonly (Bytes | undefined)[]> {
  if (connection.order === 'perSlot') return readBySlot(connection, keys, notice)
  if (keys.length <= MAX_KEYS_PER_COMMAND) return mget(connection, keys)
  return Promise.all(chunksOf(keys).map((some) => mget(connection, some))).then((parts) => parts.flat())
}

/** Parts of `all` in order, of at most `MAX_KEYS_PER_COMMAND` each. */
export function chunksOf<T>(all: readonly T[]): (readonly T[])[] {
  if (all.length <= MAX_KEYS_PER_COMMAND) return [all]
  const chunks: T[][] = []
  for (let from = 0; from < all.length; from += MAX_KEYS_PER_COMMAND)
    chunks.push(all.slice(from, from + MAX_KEYS_PER_COMMAND))
  return chunks
}

function mget(connection: Connection, keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
  const reply = connection.send(keys[0] as string, 'mget', [...keys])
  return reply.then((list) => listOf(list, keys.length, 'MGET').map((each) => bytesIn(each, 'MGET')))
}

async function readBySlot(connection: Connection, keys: readonly string[], notice: Notice) {
  const answers = new Array<Bytes | undefined>(keys.length).fill(undefined)
  const groups = connection.mayReadReplicas
    ? keys.map((_, i) => [i])
    : indexesBySlot(keys, connection.keyPrefix).flatMap(chunksOf)
  const failures: unknown[] = []
  const readGroup = async (indexes: readonly number[]): Promise<void> => {
    try {
      const reply = await readSlot(
        connection,
        indexes.map((i) => keys[i] as string),
      )
      for (let i = 0; i < indexes.length; i++) answers[indexes[i] as number] = reply[i]
    } catch (error) {
      failures.push(error)
    }
  }
  await Promise.all(groups.map(readGroup))
  if (failures.length === groups.length) throw failures[0]
  if (failures.length > 0)
    notice(
      'PARTIAL_READ',
      `the keys of ${failures.length} of ${groups.length} slots could not be read and count as absent: ${failures[0]}`,
    )
  return answers
}

/** If the client may read from replicas, GETEX is used: it reads the same and counts as a write, so it goes to the master. */
async function readSlot(connection: Connection, keys: readonly string[]): Promise<readonly (Bytes | undefined)[]> {
  const key = keys[0] as string
  if (!connection.mayReadReplicas) return mget(connection, keys)
  try {
    return [bytesIn(await connection.send(key, 'getex', [key]), 'GETEX')]
  } catch (error) {
    if (faultBehind(error) === 'wrongType') return [undefined]
    throw error
  }
}
