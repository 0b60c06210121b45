// Reading many keys: one MGET where they may share it, else one per slot.
import type { Bytes } from '../model/ports.js'
import { faultBehind } from './classify-error.js'
import type { Connection } from './connection.js'
import { toBytes } from './replies.js'
import { indexesBySlot } from './slot.js'

type Notice = (code: string, detail: string) => void

/** In the order of `keys`. Where some slots cannot be read, their keys are absent; where none can, it rejects. */
export async function readKeys(
  connection: Connection,
  keys: readonly string[],
  notice: Notice,
): Promise<readonly (Bytes | undefined)[]> {
  if (connection.order === 'perSlot') return readBySlot(connection, keys, notice)
  const reply = await connection.send(keys[0] as string, 'mget', [...keys])
  return (reply as unknown[]).map(toBytes)
}

async function readBySlot(connection: Connection, keys: readonly string[], notice: Notice) {
  const answers = new Array<Bytes | undefined>(keys.length).fill(undefined)
  const groups = connection.mayReadReplicas ? keys.map((_, i) => [i]) : indexesBySlot(keys, connection.keyPrefix)
  const failures: unknown[] = []
  const readGroup = async (indexes: readonly number[]): Promise<void> => {
    try {
      const reply = await readSlot(
        connection,
        indexes.map((i) => keys[i] as string),
      )
      for (let i = 0; i < indexes.length; i++) answers[indexes[i] as number] = toBytes(reply[i])
    } catch (error) {
      failures.push(error)
    }
  }
  await Promise.all(groups.map(readGroup))
  if (failures.length === groups.length) throw failures[0]
  if (failures.length > 0) notice('PARTIAL_READ', `${failures.length} of ${groups.length} slots: ${failures[0]}`)
  return answers
}

/** Where the client may ask replicas for reads, GETEX is used: it reads the same and counts as a write, so it goes to the master. */
async function readSlot(connection: Connection, keys: string[]): Promise<unknown[]> {
  const key = keys[0] as string
  if (!connection.mayReadReplicas) return (await connection.send(key, 'mget', keys)) as unknown[]
  try {
    return [await connection.send(key, 'getex', [key])]
  } catch (error) {
    if (faultBehind(error) === 'wrongType') return [undefined]
    throw error
  }
}
