// Updates and pulls as a property: several caches over one server, random histories with faults, checked for an order that explains them.
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Mutation } from '../model/mutations.js'
import { type Operation, orderOf, type State } from './checker.js'
import { runUpdates } from './run-updates.js'
import { type Step, steps } from './steps.js'

const SEEDS = [1, 20_261_129]
const HISTORIES_PER_SEED = 250

let stored = 0

function updatesProperty(idleTtl: '30m' | undefined, mutation?: Mutation) {
  return fc.asyncProperty(steps, async (history) => {
    stored += await runUpdates(history, { idleTtl, mutation })
  })
}

describe.each([undefined, '30m'] as const)('with an idle life of %s', (idleTtl) => {
  test.each(SEEDS)('an order of the calls explains every history of seed %i', async (seed) => {
    stored = 0
    await fc.assert(updatesProperty(idleTtl), { numRuns: HISTORIES_PER_SEED, seed })
    expect(stored).toBeGreaterThan(HISTORIES_PER_SEED)
  })

  test('the property detects a swap that ignores what it expects', async () => {
    const mutation = 'a fill stores whatever is under the key'
    const details = await fc.check(updatesProperty(idleTtl, mutation), { numRuns: 1_000, seed: 7, endOnFailure: true })
    expect(details.failed).toBe(true)
  })
})

const late = { process: 0, link: 'data' } as const
const HISTORIES: [string, readonly Step[]][] = [
  [
    'a swap that comes after its process has given it up',
    [
      { step: 'update', process: 1, tookMs: 0 },
      { step: 'fault', process: 0, fault: { on: 'swap', effect: 'delay', byMs: 3_000 } },
      { step: 'update', process: 0, tookMs: 0 },
      { step: 'advance', ms: 100 },
      { step: 'cut', ...late },
      { step: 'advance', ms: 1_000 },
      { step: 'update', process: 1, tookMs: 0 },
      { step: 'get', process: 2 },
    ],
  ],
  [
    'a claim that is executed again while another update holds the key',
    [
      { step: 'fault', process: 0, fault: { on: 'claim', effect: 'repeat', byMs: 60 } },
      { step: 'update', process: 0, tookMs: 20 },
      { step: 'advance', ms: 30 },
      { step: 'delete', process: 1 },
      { step: 'advance', ms: 20 },
      { step: 'update', process: 1, tookMs: 20 },
      { step: 'update', process: 2, tookMs: 2 },
      { step: 'advance', ms: 100 },
      { step: 'get', process: 2 },
    ],
  ],
  [
    'a reply that is lost behind a stalled link',
    [
      { step: 'update', process: 0, tookMs: 0 },
      { step: 'advance', ms: 5 },
      { step: 'fault', process: 0, fault: { on: 'swap', effect: 'loseReply' } },
      { step: 'update', process: 0, tookMs: 0 },
      { step: 'advance', ms: 1 },
      { step: 'stall', ...late },
      { step: 'advance', ms: 250 },
      { step: 'pull', process: 1 },
      { step: 'update', process: 2, tookMs: 0 },
      { step: 'advance', ms: 250 },
    ],
  ],
]

test.each(HISTORIES)('an order explains the history of %s', async (_, history) => {
  await runUpdates(history)
})

describe('the checker', () => {
  const write = (called: number, ended: number, from: State, to: State): Operation => ({
    ...{ what: `${from} to ${to}`, called, ended, isCertain: true },
    effect: (before) => (String(before) === String(from) ? to : 'impossible'),
  })

  test('finds the order of overlapping calls', () => {
    expect(orderOf([write(1, 4, [1], [1, 2]), write(2, 3, undefined, [1])])).toEqual(['undefined to 1', '1 to 1,2'])
  })

  test('finds a lost update, and an effect before its call', () => {
    expect(orderOf([write(1, 2, undefined, [1]), write(3, 4, undefined, [2])])).toBeUndefined()
    expect(orderOf([write(1, 2, [1], [1, 2]), write(3, 4, undefined, [1])])).toBeUndefined()
  })

  test('lets a call whose end is not known take effect late, or never', () => {
    const unknown = { ...write(1, Number.POSITIVE_INFINITY, [2], [2, 1]), isCertain: false }
    expect(orderOf([unknown, write(2, 3, undefined, [2]), write(4, 5, [2, 1], [3])])).toHaveLength(3)
    expect(orderOf([unknown, write(2, 3, undefined, [3])])).toEqual(['undefined to 3'])
  })
})
