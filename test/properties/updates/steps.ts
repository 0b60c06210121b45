// What can happen in a history of updates: calls on one key, faults of the links, time.
import fc from 'fast-check'

/** Those that write. One more only reads. */
export const PROCESSES = 3

export type Step =
  | { readonly step: 'update'; readonly process: number; readonly tookMs: number }
  | { readonly step: 'get' | 'set' | 'delete' | 'pull'; readonly process: number }
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'latency'; readonly process: number; readonly requestMs: number; readonly replyMs: number }
  | { readonly step: 'cut' | 'restore' | 'stall' | 'resume'; readonly process: number; readonly link: 'data' | 'bus' }
  | { readonly step: 'fault'; readonly process: number; readonly fault: Fault }

export type Fault =
  | { readonly on: string; readonly effect: 'refuse' | 'loseCommand' | 'loseReply' }
  | { readonly on: string; readonly effect: 'delay' | 'repeat'; readonly byMs: number }

const process = fc.nat(PROCESSES - 1)
const byMs = fc.constantFrom(5, 60, 400, 3_000)
const latencyMs = fc.constantFrom(0, 0, 1, 5, 40)
const COMMANDS = ['read', 'claim', 'swap', 'swap', 'swap', 'extend', 'readTokens', 'ensureTokens'] as const

const call: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('update' as const),
      process,
      tookMs: fc.constantFrom(0, 0, 0, 2, 20, 300),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constantFrom('get' as const, 'get' as const, 'set' as const, 'delete' as const, 'pull' as const),
      process,
    }),
  },
)

const fault: fc.Arbitrary<Fault> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      on: fc.constantFrom(...COMMANDS, 'apply'),
      effect: fc.constantFrom('refuse' as const, 'loseCommand' as const, 'loseReply' as const),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      on: fc.constantFrom(...COMMANDS),
      effect: fc.constantFrom('delay' as const, 'repeat' as const),
      byMs,
    }),
  },
  // A removal that is executed again removes what came after it: a miss that no caller asked for. So it is late at most.
  { weight: 1, arbitrary: fc.record({ on: fc.constant('apply'), effect: fc.constant('delay' as const), byMs }) },
)

const time: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('advance' as const),
  ms: fc.constantFrom(0, 0, 1, 2, 5, 30, 250, 1_000),
})

const trouble: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constant('latency' as const), process, requestMs: latencyMs, replyMs: latencyMs }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constantFrom('cut' as const, 'restore' as const, 'stall' as const, 'resume' as const),
      process,
      link: fc.constantFrom('data' as const, 'bus' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ step: fc.constant('fault' as const), process, fault }) },
)

export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: call }, { weight: 4, arbitrary: time }, { weight: 2, arbitrary: trouble }),
  { minLength: 4, maxLength: 40, size: 'max' },
)
