// What a session must have after what its writers were told.
import type { Item, Said } from './work.js'

/** What a session has, and what was said of it. */
export interface Judged {
  readonly session: string
  readonly items: readonly Item[]
  readonly said: readonly Said[]
  readonly maxItems: number
  /** When its `end` resolved; `undefined` if it has not ended. */
  readonly endedAtMs: number | undefined
  /** Whether more was appended than it may have. */
  readonly isTrimmed: boolean
}

/** One sentence for each broken promise. */
export function faultsOf(judged: Judged): string[] {
  const { session, items, said, maxItems, endedAtMs } = judged
  const faults: string[] = []
  const acknowledged = said.filter(({ what }) => what === 'acknowledged')
  if (Math.max(items.length, ...said.map(({ count }) => count)) > maxItems)
    faults.push(`${session}: more than ${maxItems} items`)
  if (endedAtMs !== undefined) {
    if (items.length > 0) faults.push(`${session}: it has items after its end`)
    const late = acknowledged.filter(({ calledAtMs }) => calledAtMs > endedAtMs)
    return [...faults, ...late.map(({ id }) => `${session}: ${id} was acknowledged after the end`)]
  }
  for (const { id } of said.filter(({ what }) => what === 'refused'))
    faults.push(`${session}: ${id} was refused before any end`)
  const positions = new Map<string, number>()
  for (const [i, { id }] of items.entries()) {
    if (positions.has(id)) faults.push(`${session}: ${id} is there twice`)
    positions.set(id, i)
  }
  const missing = judged.isTrimmed ? [] : acknowledged.filter(({ id }) => !positions.has(id))
  for (const { id } of missing) faults.push(`${session}: ${id} was acknowledged and is missing`)
  return [...faults, ...disorderOf(session, items, acknowledged)]
}

/** An item that was acknowledged before another one was appended must stand before it. */
function disorderOf(session: string, items: readonly Item[], acknowledged: readonly Said[]): string[] {
  const byId = new Map(acknowledged.map((one) => [one.id, one]))
  const faults: string[] = []
  let latestCallMs = Number.NEGATIVE_INFINITY
  let latest = ''
  for (const { id } of items) {
    const said = byId.get(id)
    if (said === undefined) continue
    if (said.endedAtMs < latestCallMs)
      faults.push(`${session}: ${id} stands behind ${latest}, which was appended later`)
    if (said.calledAtMs > latestCallMs) [latestCallMs, latest] = [said.calledAtMs, id]
  }
  return faults
}
