// A conformance case is a sentence of a port's documentation with the code that proves it, for any test runner.
import type { Bus, Clock, Milliseconds, RemoteStore } from '../../model/ports.js'

/** One process as a case sees it: its store, its bus, and how to interrupt its links. */
export interface Peer {
  readonly store?: RemoteStore | undefined
  readonly bus?: Bus | undefined
  /** Interrupts the links of this peer only. Give both functions or neither. */
  readonly cut?: (() => Promise<void>) | undefined
  readonly restore?: (() => Promise<void>) | undefined
  /** Calls `work` and records the commands that the store sends meanwhile. Returns a function that executes them all again, unchanged. */
  readonly record?: ((work: () => Promise<unknown>) => Promise<() => Promise<void>>) | undefined
}

/** What a case needs to know of the implementation. Make one for each run of a case. */
export interface ConformanceContext {
  /** Unique for this run: letters, digits and `-`. Every name, key and label of the case begins with it. */
  readonly prefix: string
  /** The clock that buses are given. */
  readonly clock: Clock
  /** Another process of the cache `name`, not started yet. All processes share what is stored. */
  connect(name: string): Peer | Promise<Peer>
  /** Lets `ms` milliseconds pass, for the store too. */
  sleep(ms: Milliseconds): Promise<void>
  /** Plants a value that is not bytes under a key of the store. */
  readonly plantOtherType?: ((key: string) => Promise<void>) | undefined
}

/** What some implementations do not have. Declare what is missing as a deviation. */
export type Capability =
  /** A bus whose announcements `ensureTokens` can read (`announces: 'store'`). */
  | 'log'
  /** Keys of other types than bytes (`plantOtherType`). */
  | 'otherType'
  /** Commands that can be executed again (`Peer.record`). */
  | 'again'
  /** Links that can be cut (`Peer.cut`). */
  | 'outage'
  /** Announcements (`announces` is not `'none'`). */
  | 'announcements'
  /** `BusEvents.changed`: the bus reports changes that nobody announced. */
  | 'changes'

/** A sentence with its proof. `run` rejects with an assertion error if the sentence does not hold. */
export interface ConformanceCase {
  readonly name: string
  readonly needs: readonly Capability[]
  run(context: ConformanceContext): Promise<void>
}

/** What an implementation does not do: a capability or the name of a case, with the reason. */
export type Deviations = Readonly<Record<string, string>>

/** The cases without those that deviate. Throws on a deviation without a reason, and on one that matches no case. */
export function withoutDeviations(cases: readonly ConformanceCase[], deviations: Deviations): ConformanceCase[] {
  for (const [deviation, reason] of Object.entries(deviations)) {
    if (!cases.some((each) => concerns(deviation, each))) throw new Error(`no case is named or needs "${deviation}"`)
    if (reason.trim() === '') throw new Error(`a deviation needs a reason: "${deviation}"`)
  }
  return cases.filter((each) => !Object.keys(deviations).some((deviation) => concerns(deviation, each)))
}

function concerns(deviation: string, each: ConformanceCase): boolean {
  return each.name === deviation || each.needs.some((capability) => capability === deviation)
}
