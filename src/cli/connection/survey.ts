// Looks through the keys of a cache with SCAN, master by master and in bounded batches: never KEYS, and at most so many keys as asked.
import type { Redis } from 'ioredis'
import { mastersOf } from './client.js'
import { type OwnKey, ownKey, ownPattern } from './names.js'
import type { Session } from './session.js'

/** A key of the cache on its server. */
export interface FoundKey extends OwnKey {
  readonly server: Redis
  /** With the prefix of `--key-prefix`, as the server has it. */
  readonly key: string
}

/** About how many keys a server looks at per step. */
const SCAN_COUNT = 500

/** One batch. `isCut`: it is the last one, because as many keys as asked were looked at; further ones were not. */
export interface Batch {
  readonly keys: readonly FoundKey[]
  readonly isCut: boolean
}

/**
 * The keys of the cache, in batches, until about `mostKeys` were looked at, those of others too. A key may come twice, and one that is added
 * meanwhile may be missing.
 */
export async function* survey({ client, root, settings }: Session, mostKeys: number): AsyncGenerator<Batch> {
  const { keyPrefix } = settings
  const pattern = ownPattern(root.path, keyPrefix)
  let looked = 0
  for (const server of mastersOf(client)) {
    let cursor = '0'
    do {
      if (looked >= mostKeys) {
        yield { keys: [], isCut: true }
        return
      }
      const [next, names] = await server.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT)
      cursor = next
      looked += SCAN_COUNT
      const keys = names.flatMap((key) => {
        const own = key.startsWith(keyPrefix) ? ownKey(key.slice(keyPrefix.length), root.path) : undefined
        return own === undefined ? [] : [{ ...own, server, key }]
      })
      yield { keys, isCut: false }
    } while (cursor !== '0')
  }
}
