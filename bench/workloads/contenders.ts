// The contenders of a workload.

import type { Face, Tiers } from '../peers/peer.js'
import { RIVALS } from '../peers/peers.js'
import type { Contender } from './workload.js'

export const OURS = 'tiercache'

/** The floor, tiercache, and every rival that has the tiers (unless it is left out because it lacks the call). */
export function beside(floor: string, tiers: Tiers, without: readonly string[] = []): readonly Contender[] {
  const rivals = RIVALS.filter((rival) => rival.tiers.includes(tiers) && !without.includes(rival.name))
  return [floor, OURS, ...rivals.map((rival) => rival.name)].map((name) => ({ label: name, peer: name }))
}

/** As with `beside`, for caches that have both tiers, and a floor that has memory alone. */
export function besideInBoth(floor: string, bus: boolean): readonly Contender[] {
  const params = { tiers: 'both', bus } as const
  return beside(floor, 'both').map((one) =>
    one.peer === floor ? { ...one, params: { tiers: 'l1' } } : { ...one, params },
  )
}

/** tiercache once more over an L2, for workloads whose rivals have memory alone. */
export const OURS_OVER_L2: readonly Contender[] = [
  { label: `${OURS}, L2 with bus`, peer: OURS, params: { tiers: 'both', bus: true } },
  { label: `${OURS}, L2 without bus`, peer: OURS, params: { tiers: 'both', bus: false } },
]

/** Reads through `face`, compared with those of the cache itself in the same configuration. */
export function besideOwnRoot(face: Face): readonly Contender[] {
  const configurations = [
    { name: 'no L2', params: { tiers: 'l1' } },
    { name: 'L2 with bus', params: { tiers: 'both', bus: true } },
    { name: 'L2 without bus', params: { tiers: 'both', bus: false } },
  ] as const
  return configurations.flatMap(({ name, params }) => {
    const base = `${OURS}, root, ${name}`
    return [
      { label: base, peer: OURS, params, base },
      { label: `${OURS}, ${face}, ${name}`, peer: OURS, params: { ...params, face }, base },
    ]
  })
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
