// Which items of a session stay when it is larger than it may be.
import type { SessionRules } from './options.js'

/** The items to be trimmed; the last `keep` ones must stay. */
export interface Untrimmed<T> {
  readonly items: readonly T[]
  readonly bytes: readonly number[]
  readonly keep: number
  /** Whether something was trimmed before, so that a tool call may be missing. */
  readonly hasTrimmed: boolean
}

/**
 * The positions of the items that stay, in order; `undefined` if what must stay is too large. The oldest items go first, except for pinned
 * ones. A tool call goes together with its results, since a model refuses one without the other. So a result whose call is gone goes too,
 * and a call that still waits for its result goes last.
 */
export function trimmed<T>(given: Untrimmed<T>, rules: SessionRules<T>): number[] | undefined {
  const { items, bytes, keep } = given
  const { maxItems, maxBytes } = rules
  const positions = items.map((_, i) => i)
  let count = items.length
  let total = bytes.reduce((sum, one) => sum + one, 0)
  if (!given.hasTrimmed && count <= maxItems && total <= maxBytes) return positions

  const gone = new Set<number>()
  const remove = (i: number) => {
    if (gone.has(i)) return
    gone.add(i)
    count--
    total -= bytes[i] as number
  }
  const links = items.map((item) => rules.toolLinksOf(item))
  const mustStay = (i: number) => i >= items.length - keep || rules.isPinned(items[i] as T)
  const groups = groupsOf(links)
  const calls = new Set(links.flatMap((link) => link.calls))
  for (const i of positions) {
    if (given.hasTrimmed && !mustStay(i) && links[i]?.results.some((id) => !calls.has(id))) remove(i)
  }
  const results = new Set(links.flatMap((link) => link.results))
  const isOpen = (i: number) => links[i]?.calls.some((id) => !results.has(id)) === true
  for (const stays of [(i: number) => mustStay(i) || isOpen(i), mustStay]) {
    for (const i of positions) {
      if (count <= maxItems && total <= maxBytes) break
      const group = groups[i] as readonly number[]
      if (!group.some(stays)) group.forEach(remove)
    }
  }
  if (count > maxItems || total > maxBytes) return undefined
  return positions.filter((i) => !gone.has(i))
}

/** For each item the positions of all that it is linked with, directly or through others. */
function groupsOf(links: readonly { readonly calls: readonly string[]; readonly results: readonly string[] }[]) {
  const groups: number[][] = links.map((_, i) => [i])
  const byId = new Map<string, number>()
  links.forEach(({ calls, results }, i) => {
    for (const id of [...calls, ...results]) {
      const first = byId.get(id)
      if (first === undefined) byId.set(id, i)
      else join(groups, first, i)
    }
  })
  return groups
}

function join(groups: number[][], a: number, b: number): void {
  const [one, other] = [groups[a] as number[], groups[b] as number[]]
  if (one === other) return
  one.push(...other)
  for (const i of other) groups[i] = one
}
