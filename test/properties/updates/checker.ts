// Whether the calls on one key can have taken effect one after the other, each at one moment between its call and its end.
//
// The search is that of J. M. Wing and C. Gong, "Testing and Verifying Concurrent Objects", JPDC 1993.

/** What a key has: everything that was appended to it, in order. `undefined`: nothing. */
export type State = readonly number[] | undefined

/** One call. Its effect is a function of the state, and `'impossible'` in a state in which its caller cannot have seen what it saw. */
export interface Operation {
  /** Of several executions of one call, which are alike and follow each other in the list, it is the same. */
  readonly what: string
  /** The place of the call among all calls and ends. */
  readonly called: number
  /** The place of its end; Infinity if it may still take effect after the last event. */
  readonly ended: number
  /** `false`: it may never have taken effect. */
  readonly isCertain: boolean
  effect(before: State): State | 'impossible'
}

/** The order in which the operations took effect; `undefined` if there is none. The key has nothing at first. */
export function orderOf(operations: readonly Operation[]): readonly string[] | undefined {
  const failed = new Set<string>()
  const isDone = operations.map(() => false)
  const order: string[] = []

  const search = (state: State): boolean => {
    if (operations.every(({ isCertain }, i) => isDone[i] === true || !isCertain)) return true
    const here = `${isDone.map(Number).join('')} ${state}`
    if (failed.has(here)) return false
    // What has ended took effect before everything that was called later.
    const firstEnd = Math.min(...operations.map(({ ended }, i) => (isDone[i] ? Number.POSITIVE_INFINITY : ended)))
    for (const [i, operation] of operations.entries()) {
      if (isDone[i] || operation.called > firstEnd) continue
      // Of operations that are alike the first comes first: their order makes no difference.
      if (operations[i - 1]?.what === operation.what && isDone[i - 1] === false) continue
      const after = operation.effect(state)
      if (after === 'impossible') continue
      isDone[i] = true
      order.push(operation.what)
      if (search(after)) return true
      order.pop()
      isDone[i] = false
    }
    failed.add(here)
    return false
  }
  return search(undefined) ? order : undefined
}

export function areSame(one: State, other: State): boolean {
  if (one === undefined || other === undefined) return one === other
  return one.length === other.length && one.every((id, i) => id === other[i])
}
