// Loads that wait for other loads. A cycle among them would never end.

/** A load or a batch of loads, with the loads that its loader waits for. */
export interface Loading {
  readonly waitsFor: Set<Loading>
  /** Called when it is over although its loader has not returned; see `RunningLoads`. */
  stopFollowing?: (() => void) | undefined
}

/** Whether `loading` is `other`, or waits for it, directly or through others. */
export function reaches(loading: Loading, other: Loading): boolean {
  const seen = new Set<Loading>()
  const toVisit: Loading[] = [loading]
  for (let next = toVisit.pop(); next !== undefined; next = toVisit.pop()) {
    if (next === other) return true
    if (seen.has(next)) continue
    seen.add(next)
    toVisit.push(...next.waitsFor)
  }
  return false
}
