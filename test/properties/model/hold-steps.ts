// What can happen in a history of holds: commits that become visible late, loads, processes that come and go, a bus that is not heard.
import fc from 'fast-check'

export const HOLD_PROCESSES = 3
export const HOLD_KEYS = ['k0', 'k1']

/** How a load names the tag of its key. */
export type HoldTagging = 'listed' | 'derived' | 'byLoader'

export type HoldStep =
  /** A commit of `key` that is visible after `visibleMs`, and an invalidation that holds for longer. */
  | {
      readonly step: 'commit'
      readonly process: number
      readonly key: string
      readonly by: 'delete' | 'invalidateTags'
      readonly visibleMs: number
      readonly holdMs: number
    }
  | {
      readonly step: 'load'
      readonly process: number
      readonly key: string
      readonly tagging: HoldTagging
      readonly loadMs: number
    }
  | { readonly step: 'get'; readonly process: number; readonly key: string }
  /** A plain invalidation, which must end no hold. */
  | {
      readonly step: 'delete' | 'invalidateTags' | 'expire' | 'expireTags'
      readonly process: number
      readonly key: string
    }
  | { readonly step: 'advance'; readonly ms: number }
  /** The process ends, and another one starts in its place. */
  | { readonly step: 'restart'; readonly process: number }
  | { readonly step: 'latency' | 'busLatency'; readonly process: number; readonly replyMs: number }
  | { readonly step: 'cutBus' | 'restoreBus'; readonly process: number }

const process = fc.nat(HOLD_PROCESSES - 1)
const key = fc.constantFrom(HOLD_KEYS[0] as string, ...HOLD_KEYS)

const calls: fc.Arbitrary<HoldStep> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .record({
        step: fc.constant('commit' as const),
        process,
        key,
        by: fc.constantFrom('delete' as const, 'invalidateTags' as const),
        visibleMs: fc.constantFrom(1, 100, 1_000, 4_000),
        longerMs: fc.constantFrom(1, 50, 2_000),
      })
      .map(({ longerMs, ...commit }) => ({ ...commit, holdMs: commit.visibleMs + longerMs })),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      step: fc.constant('load' as const),
      process,
      key,
      tagging: fc.constantFrom<HoldTagging>('listed', 'derived', 'byLoader'),
      loadMs: fc.constantFrom(0, 0, 5, 200, 1_500, 6_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('get' as const), process, key }) },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constantFrom('delete' as const, 'invalidateTags' as const, 'expire' as const, 'expireTags' as const),
      process,
      key,
    }),
  },
)

const trouble: fc.Arbitrary<HoldStep> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ step: fc.constant('restart' as const), process }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constantFrom('latency' as const, 'busLatency' as const),
      process,
      replyMs: fc.constantFrom(0, 1, 20, 60),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ step: fc.constantFrom('cutBus' as const, 'restoreBus' as const), process }),
  },
)

const time: fc.Arbitrary<HoldStep> = fc.record({
  step: fc.constant('advance' as const),
  ms: fc.constantFrom(0, 1, 30, 300, 1_000, 2_500, 5_000),
})

export const holdSteps: fc.Arbitrary<readonly HoldStep[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: calls }, { weight: 4, arbitrary: time }, { weight: 2, arbitrary: trouble }),
  { minLength: 3, maxLength: 40, size: 'max' },
)
