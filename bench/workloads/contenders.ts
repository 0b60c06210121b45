// The contenders of a workload.

import type { Tiers } from '../peers/peer.js'
import { RIVALS } from '../peers/peers.js'
import type { Contender } from './workload.js'

export const OURS = 'tiercache'

/** The floor, tiercache, and every rival that has the tiers (unless it is left out because it lacks the call). */
export function beside(floor: string, tiers: Tiers, without: readonly string[] = []): readonly Contender[] {
  const rivals = RIVALS.filter((rival) => rival.tiers.includes(tiers) && !without.includes(rival.name))
  return [floor, OURS, ...rivals.map((rival) => rival.name)].map((name) => ({ label: name, peer: name }))
}

/** Each library, compared with itself without tags. */
export function besideOwnUntagged(
  tags: readonly number[],
  peers: readonly string[],
  only?: number,
): readonly Contender[] {
  return peers.flatMap((peer) => [
    { label: `${peer}, no tags`, peer, params: { tags: 0 }, base: `${peer}, no tags` },
    ...tags
      .filter((count) => only === undefined || peer === OURS || count === only)
      .map((count) => ({
        label: `${peer}, ${count} ${count === 1 ? 'tag' : 'tags'}`,
        peer,
        params: { tags: count },
        base: `${peer}, no tags`,
      })),
  ])
}
