// Histories that once broke a guarantee, and histories that only one mechanism prevents from doing so. All are run every time.
import type { Mutation } from './mutations.js'
import type { Step } from './steps.js'

export interface Counterexample {
  /** What must not happen, as a sentence. */
  readonly name: string
  readonly steps: readonly Step[]
  /** The mutation that makes it happen. */
  readonly noticedAs: Mutation
}

const k0 = { scope: 'root', key: 'k0' } as const
const load = { step: 'load', place: k0, tags: [], tagging: 'listed', loadMs: 0, fails: false } as const
const ordinary = { tiers: 'all', singleFlight: 'fleet' } as const

/** The process's next such command is executed twice. */
function again(process: number, on: 'claim' | 'apply', byMs = 20): Step {
  return { step: 'fault', process, fault: { on, effect: 'repeat', byMs } }
}

const slot = { step: 'reserve', place: k0, tags: [], tagging: 'listed', openMs: 100, end: 'fill' } as const

export const COUNTEREXAMPLES: readonly Counterexample[] = [
  {
    name: 'a claim executed again after a deletion plants no lease that the late fill expects',
    steps: [
      again(2, 'claim'),
      { ...load, ...ordinary, process: 2, loadMs: 300 },
      { step: 'loseAnnouncements', process: 2, count: 1 },
      { step: 'delete', process: 0, place: k0 },
      { ...load, ...ordinary, process: 0, fails: true },
      { step: 'cut', process: 0, link: 'data' },
      { step: 'fault', process: 0, fault: { on: 'read', effect: 'delay', byMs: 20 } },
    ],
    noticedAs: 'a claim executed again plants the same lease',
  },
  {
    name: 'a set executed again after a deletion stores nothing',
    steps: [
      again(1, 'apply', 150),
      { step: 'set', process: 1, place: k0, tags: [] },
      { step: 'advance', ms: 30 },
      { step: 'delete', process: 0, place: k0 },
    ],
    noticedAs: 'changes leave no mark',
  },
  {
    name: 'a set executed again after the set of another process does not replace it',
    steps: [
      again(1, 'apply', 150),
      { step: 'set', process: 1, place: k0, tags: [] },
      { step: 'advance', ms: 30 },
      { step: 'set', process: 0, place: k0, tags: [] },
    ],
    noticedAs: 'changes leave no mark',
  },
  {
    name: 'a set that arrives after its process deleted the key stores nothing',
    steps: [
      { step: 'fault', process: 1, fault: { on: 'apply', effect: 'delay', byMs: 1_000 } },
      { step: 'set', process: 1, place: k0, tags: [] },
      { step: 'advance', ms: 250 },
      { step: 'delete', process: 1, place: k0 },
      { step: 'advance', ms: 1_000 },
    ],
    noticedAs: 'changes leave no mark',
  },
  {
    name: 'an expiry executed again gives no refresh its fence back',
    steps: [
      { step: 'set', process: 0, place: k0, tags: [] },
      again(0, 'apply', 150),
      { step: 'expire', process: 0, place: k0 },
      { step: 'advance', ms: 5 },
      { step: 'stall', process: 2, link: 'bus' },
      { ...load, ...ordinary, process: 2, loadMs: 300, tiers: 'l2' },
      { step: 'advance', ms: 30 },
      { step: 'set', process: 1, place: k0, tags: [] },
      { step: 'advance', ms: 1_000 },
    ],
    noticedAs: 'changes leave no mark',
  },
  {
    name: 'a slot that is filled after the key was deleted elsewhere stores nothing',
    steps: [
      { ...slot, process: 1 },
      { step: 'loseAnnouncements', process: 1, count: 1 },
      { step: 'advance', ms: 30 },
      { step: 'delete', process: 0, place: k0 },
      { step: 'advance', ms: 1_000 },
    ],
    noticedAs: 'a fill stores whatever is under the key',
  },
]
