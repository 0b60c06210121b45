// The steps of a history: calls of caches, faults of links and of the server, passing time.
import fc from 'fast-check'

export const PROCESSES = 3
export const KEYS = ['k0', 'k1', 'k2']
export const TAGS = ['t0', 't1']
export const SCOPES = ['root', 'ns'] as const

export interface Place {
  readonly scope: (typeof SCOPES)[number]
  readonly key: string
}

/** How the tags of a loaded value become known. */
export type Tagging = 'listed' | 'derived' | 'byLoader'

export type Step =
  | {
      readonly step: 'load'
      readonly process: number
      readonly place: Place
      readonly tags: readonly string[]
      readonly tagging: Tagging
      readonly loadMs: number
      readonly fails: boolean
      readonly tiers: 'all' | 'l1' | 'l2'
      readonly singleFlight: 'fleet' | 'process'
    }
  | {
      readonly step: 'reserve'
      readonly process: number
      readonly place: Place
      readonly tags: readonly string[]
      readonly tagging: 'listed' | 'atFill'
      /** From when its caller has the slot until it ends it. */
      readonly openMs: number
      readonly end: 'fill' | 'release' | 'forget'
    }
  | { readonly step: 'get'; readonly process: number; readonly place: Place; readonly tiers: 'all' | 'l2' }
  | { readonly step: 'getMany'; readonly process: number; readonly scope: Place['scope'] }
  | { readonly step: 'set'; readonly process: number; readonly place: Place; readonly tags: readonly string[] }
  | { readonly step: 'delete' | 'expire'; readonly process: number; readonly place: Place }
  | { readonly step: 'invalidateTags' | 'expireTags'; readonly process: number; readonly tags: readonly string[] }
  | { readonly step: 'clear' | 'expireAll'; readonly process: number; readonly scope: Place['scope'] }
  | { readonly step: 'advance'; readonly ms: number }
  | { readonly step: 'latency'; readonly process: number; readonly requestMs: number; readonly replyMs: number }
  | { readonly step: 'busLatency'; readonly process: number; readonly replyMs: number }
  | { readonly step: 'cut' | 'restore' | 'stall' | 'resume'; readonly process: number; readonly link: 'data' | 'bus' }
  | { readonly step: 'loseAnnouncements'; readonly process: number; readonly count: number }
  | { readonly step: 'fault'; readonly process: number; readonly fault: CommandFault }
  | { readonly step: 'busFault'; readonly process: number; readonly fault: BusFault }
  | { readonly step: 'reorderAnnouncements'; readonly process: number }
  | { readonly step: 'evict'; readonly what: 'key' | 'token' | 'log'; readonly at: number }
  | { readonly step: 'wipe' | 'restartKept' | 'restartEmpty' | 'pause' | 'unpause' }

/** Affects the next command of that name. */
export type CommandFault = FaultOn<(typeof COMMANDS)[number]>
/** The same for the commands of a bus. */
export type BusFault = FaultOn<(typeof BUS_COMMANDS)[number]>

type FaultOn<Command> =
  | { readonly on: Command; readonly effect: 'refuse' | 'loseCommand' | 'loseReply' }
  | { readonly on: Command; readonly effect: 'delay' | 'repeat'; readonly byMs: number }

/** All commands of a store except administration. */
const COMMANDS = ['read', 'claim', 'swap', 'extend', 'apply', 'readTokens', 'ensureTokens'] as const
const BUS_COMMANDS = ['join', 'listen'] as const

const process = fc.nat(PROCESSES - 1)
/** Most calls concern few keys, so that they collide. */
const place: fc.Arbitrary<Place> = fc.record({
  scope: fc.constantFrom('root' as const, ...SCOPES),
  key: fc.constantFrom(KEYS[0]!, KEYS[0]!, ...KEYS),
})
const tags = fc.subarray(TAGS)
const someTags = fc.subarray(TAGS, { minLength: 1 })
const scope = fc.constantFrom(...SCOPES)
const link = fc.constantFrom('data' as const, 'bus' as const)
const lateMs = fc.constantFrom(20, 150, 1_000, 6_000)
const latencyMs = fc.constantFrom(0, 0, 1, 10, 60)
const busLatencyMs = fc.constantFrom(0, 1, 20, 200, 900)

function faultOn<Command>(commands: readonly Command[]): fc.Arbitrary<FaultOn<Command>> {
  const on = fc.constantFrom(...commands)
  return fc.oneof(
    fc.record({ on, effect: fc.constantFrom('refuse' as const, 'loseCommand' as const, 'loseReply' as const) }),
    fc.record({ on, effect: fc.constantFrom('delay' as const, 'repeat' as const), byMs: lateMs }),
  )
}

const commandFault = faultOn(COMMANDS)
const busFault = faultOn(BUS_COMMANDS)

const call: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      step: fc.constant('load' as const),
      process,
      place,
      tags,
      tagging: fc.constantFrom<Tagging>('listed', 'derived', 'byLoader'),
      loadMs: fc.constantFrom(0, 0, 5, 40, 300, 2_000, 8_000),
      fails: fc.nat(9).map((n) => n === 0),
      tiers: fc.constantFrom('all' as const, 'all' as const, 'all' as const, 'l2' as const, 'l1' as const),
      singleFlight: fc.constantFrom('fleet' as const, 'fleet' as const, 'process' as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constant('reserve' as const),
      process,
      place,
      tags,
      tagging: fc.constantFrom('listed' as const, 'atFill' as const),
      openMs: fc.constantFrom(0, 0, 5, 40, 300),
      end: fc.nat(9).map((n) => (n === 0 ? 'forget' : n === 1 ? 'release' : 'fill')),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constant('get' as const),
      process,
      place,
      tiers: fc.constantFrom('all' as const, 'l2' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('getMany' as const), process, scope }) },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('set' as const), process, place, tags }) },
  {
    weight: 3,
    arbitrary: fc.record({
      step: fc.constantFrom('delete' as const, 'delete' as const, 'expire' as const),
      process,
      place,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constantFrom('invalidateTags' as const, 'invalidateTags' as const, 'expireTags' as const),
      process,
      tags: someTags,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constantFrom('clear' as const, 'clear' as const, 'expireAll' as const),
      process,
      scope,
    }),
  },
)

const time: fc.Arbitrary<Step> = fc.record({
  step: fc.constant('advance' as const),
  ms: fc.constantFrom(0, 0, 1, 5, 30, 100, 250, 1_000, 3_000, 5_000),
})

const trouble: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ step: fc.constant('latency' as const), process, requestMs: latencyMs, replyMs: latencyMs }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('busLatency' as const), process, replyMs: busLatencyMs }) },
  {
    weight: 4,
    arbitrary: fc.record({
      step: fc.constantFrom('cut' as const, 'restore' as const, 'stall' as const, 'resume' as const),
      process,
      link,
    }),
  },
  { weight: 2, arbitrary: fc.record({ step: fc.constant('loseAnnouncements' as const), process, count: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ step: fc.constant('fault' as const), process, fault: commandFault }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('busFault' as const), process, fault: busFault }) },
  { weight: 1, arbitrary: fc.record({ step: fc.constant('reorderAnnouncements' as const), process }) },
  {
    weight: 2,
    arbitrary: fc.record({
      step: fc.constant('evict' as const),
      what: fc.constantFrom('key' as const, 'token' as const, 'log' as const),
      at: fc.nat(20),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      step: fc.constantFrom(
        'wipe' as const,
        'restartKept' as const,
        'restartEmpty' as const,
        'pause' as const,
        'unpause' as const,
      ),
    }),
  },
)

/** Mostly calls, with enough time between them for things to happen. */
export const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof({ weight: 6, arbitrary: call }, { weight: 4, arbitrary: time }, { weight: 2, arbitrary: trouble }),
  { minLength: 4, maxLength: 60, size: 'max' },
)
