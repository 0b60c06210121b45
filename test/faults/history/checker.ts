// Proves G1, G2 and G3 for a recorded history: from when on may each process not read each value, and did any process read it later?
import type { BirthRecord, HistoryRecord, MachineMs, ReadRecord, WriteRecord } from './records.js'

export interface Violation {
  readonly guarantee: 'G1' | 'G2' | 'G3'
  readonly read: ReadRecord
  readonly birth: BirthRecord
  /** How much too late the read was called. */
  readonly lateMs: number
}

export interface Verdict {
  readonly reads: number
  readonly values: number
  readonly writes: { readonly applied: number; readonly queued: number }
  readonly violations: readonly Violation[]
  /** The longest time after the invalidation by another process for which a read still returned an older value. */
  readonly worstStalenessMs: number
}

interface Forbidden {
  /** Because of a write of the reader's own process: at once (G2). */
  readonly byOwnMs: ReadonlyMap<number, MachineMs>
  /** Because of a write that any process applied. */
  readonly byAppliedMs: MachineMs
  /** The same for deletions and writes of the key itself, after which Redis must not return it (G1). */
  readonly byKeyMs: MachineMs
}

const NEVER_MS = Number.POSITIVE_INFINITY

/** `maxStalenessMs`: the bound of G3 that the processes were given. */
export function check(records: readonly HistoryRecord[], maxStalenessMs: number): Verdict {
  const births = new Map<string, BirthRecord>()
  const loadedMs = new Map<string, MachineMs>()
  const writes: WriteRecord[] = []
  const reads: ReadRecord[] = []
  for (const record of records) {
    if (record.record === 'birth') births.set(record.id, record)
    else if (record.record === 'loaded') loadedMs.set(record.id, record.atMs)
    else if (record.record === 'write') writes.push(record)
    else reads.push(record)
  }
  const index = new WriteIndex(writes)
  const forbidden = new Map<string, Forbidden>()
  const violations: Violation[] = []
  let worstStalenessMs = 0
  for (const read of reads) {
    if (read.value === undefined) continue
    const birth = births.get(read.value)
    if (birth === undefined) throw new Error(`a read returned ${read.value}, which was never loaded or set`)
    if (birth.key !== read.key) throw new Error(`a read of ${read.key} returned a value of ${birth.key}`)
    const since = forbidden.get(birth.id) ?? index.forbiddenFrom(birth)
    forbidden.set(birth.id, since)
    const isShared = isSharedInTheDark(read, birth, loadedMs.get(birth.id))
    if (!isShared) worstStalenessMs = Math.max(worstStalenessMs, read.turnMs - since.byAppliedMs)
    const violation = judge(read, birth, since, isShared ? NEVER_MS : maxStalenessMs)
    if (violation !== undefined) violations.push(violation)
  }
  const applied = writes.filter(({ result }) => result === 'applied').length
  return {
    reads: reads.length,
    values: births.size,
    writes: { applied, queued: writes.length - applied },
    violations,
    worstStalenessMs,
  }
}

function judge(read: ReadRecord, birth: BirthRecord, since: Forbidden, maxStalenessMs: number): Violation | undefined {
  const lateBy = (fromMs: MachineMs | undefined) => (fromMs === undefined ? 0 : read.calledMs - fromMs)
  const own = lateBy(since.byOwnMs.get(read.process))
  if (own > 0) return { guarantee: 'G2', read, birth, lateMs: own }
  // A process may know the token of a tag for as long as it may trust L1. A new process knows none.
  const inRedis = read.kind === 'newcomer' ? since.byAppliedMs : read.kind === 'fromRedis' ? since.byKeyMs : NEVER_MS
  if (lateBy(inRedis) > 0) return { guarantee: 'G1', read, birth, lateMs: lateBy(inRedis) }
  // The cache reads its clock once per turn: a process paused in the middle of a turn keeps the time of the beginning.
  const bounded = read.turnMs - (since.byAppliedMs + maxStalenessMs)
  return bounded > 0 ? { guarantee: 'G3', read, birth, lateMs: bounded } : undefined
}

/**
 * If Redis cannot be reached either, a running load is shared in its process (G5), since the process cannot know better. The reference
 * model of the properties has the same rule.
 */
function isSharedInTheDark(read: ReadRecord, birth: BirthRecord, loadedMs: MachineMs = NEVER_MS): boolean {
  if (read.l2 === 'available' || read.kind !== 'load') return false
  return birth.process === read.process && birth.write === undefined && loadedMs > read.calledMs
}

/** Writes by the values that they reach, in the order of their calls, with the earliest completion from each one on. */
class WriteIndex {
  readonly #byReach = new Map<string, Chain>()
  readonly #sets = new Map<string, WriteRecord>()

  constructor(writes: readonly WriteRecord[]) {
    const lists = new Map<string, WriteRecord[]>()
    for (const write of writes) {
      if (write.kind === 'set') this.#sets.set(`${write.process}.${write.number}`, write)
      for (const reach of reachOf(write)) {
        const list = lists.get(reach)
        if (list === undefined) lists.set(reach, [write])
        else list.push(write)
      }
    }
    for (const [reach, list] of lists) this.#byReach.set(reach, new Chain(list))
  }

  forbiddenFrom(birth: BirthRecord): Forbidden {
    const { fromMs, ownFromMs } = this.#outdatedBy(birth)
    const byKeyMs = this.#chain(`key ${birth.key}`)?.appliedAfter(fromMs) ?? NEVER_MS
    let byAppliedMs = byKeyMs
    const byOwnMs = new Map<number, MachineMs>()
    for (const reach of [`key ${birth.key}`, 'all', ...birth.tags.map((tag) => `tag ${tag}`)]) {
      const chain = this.#chain(reach)
      if (chain === undefined) continue
      byAppliedMs = Math.min(byAppliedMs, chain.appliedAfter(fromMs))
      for (const process of chain.processes) {
        const atMs = chain.completedAfter(process, process === birth.process ? ownFromMs : fromMs)
        byOwnMs.set(process, Math.min(byOwnMs.get(process) ?? NEVER_MS, atMs))
      }
    }
    return { byOwnMs, byAppliedMs, byKeyMs }
  }

  /**
   * From when on a call that writes outdates the value. For a load: from its beginning, since it may have read the database at once.
   * For a `set`: from its completion. A queued one may arrive at any later time, but its own process follows the order of its calls.
   */
  #outdatedBy(birth: BirthRecord): { fromMs: MachineMs; ownFromMs: MachineMs } {
    if (birth.write === undefined) return { fromMs: birth.atMs, ownFromMs: birth.atMs }
    const write = this.#sets.get(`${birth.process}.${birth.write}`)
    if (write === undefined) return { fromMs: NEVER_MS, ownFromMs: NEVER_MS }
    return { fromMs: write.result === 'applied' ? write.completedMs : NEVER_MS, ownFromMs: write.completedMs }
  }

  #chain(reach: string): Chain | undefined {
    return this.#byReach.get(reach)
  }
}

function reachOf(write: WriteRecord): readonly string[] {
  switch (write.kind) {
    case 'set':
    case 'delete':
      return [`key ${write.key}`]
    case 'invalidateTags':
      return write.tags.map((tag) => `tag ${tag}`)
    case 'clear':
      return ['all']
  }
}

/** Writes that reach the same values. */
class Chain {
  readonly #applied: Earliest
  readonly #byProcess = new Map<number, Earliest>()

  constructor(writes: WriteRecord[]) {
    writes.sort((a, b) => a.calledMs - b.calledMs)
    this.#applied = new Earliest(writes.filter(({ result }) => result === 'applied'))
    for (const process of new Set(writes.map((write) => write.process))) {
      this.#byProcess.set(process, new Earliest(writes.filter((write) => write.process === process)))
    }
  }

  get processes(): Iterable<number> {
    return this.#byProcess.keys()
  }

  appliedAfter(fromMs: MachineMs): MachineMs {
    return this.#applied.after(fromMs)
  }

  completedAfter(process: number, fromMs: MachineMs): MachineMs {
    return this.#byProcess.get(process)?.after(fromMs) ?? NEVER_MS
  }
}

/** For writes in the order of their calls: the earliest completion among those called after a given time. */
class Earliest {
  readonly #calledMs: readonly MachineMs[]
  readonly #earliestMs: MachineMs[]

  constructor(writes: readonly WriteRecord[]) {
    this.#calledMs = writes.map((write) => write.calledMs)
    this.#earliestMs = writes.map((write) => write.completedMs)
    for (let i = this.#earliestMs.length - 2; i >= 0; i--) {
      this.#earliestMs[i] = Math.min(this.#earliestMs[i]!, this.#earliestMs[i + 1]!)
    }
  }

  after(fromMs: MachineMs): MachineMs {
    let low = 0
    let high = this.#calledMs.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#calledMs[middle]! > fromMs) high = middle
      else low = middle + 1
    }
    return this.#earliestMs[low] ?? NEVER_MS
  }
}
