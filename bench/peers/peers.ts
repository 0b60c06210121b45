// All adapters, by the name of the contender.
import { asyncCacheDedupe } from './async-cache-dedupe.js'
import { bentocache } from './bentocache.js'
import { cacheManager } from './cache-manager.js'
import { cacheable } from './cacheable.js'
import { cachified } from './cachified.js'
import { floorMemory } from './floor-memory.js'
import { floorRedis, floorRedisMget } from './floor-redis.js'
import { layeredLoader } from './layered-loader.js'
import type { Peer } from './peer.js'
import { tiercache } from './tiercache.js'

export const RIVALS: readonly Peer[] = [bentocache, cacheable, cacheManager, cachified, asyncCacheDedupe, layeredLoader]
export const PEERS: readonly Peer[] = [tiercache, ...RIVALS, floorMemory, floorRedis, floorRedisMget]

export function peerNamed(name: string): Peer {
  const peer = PEERS.find((one) => one.name === name)
  if (peer === undefined)
    throw new Error(`no adapter is called ${name}; there are ${PEERS.map((one) => one.name).join(', ')}`)
  return peer
}
