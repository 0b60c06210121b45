// Sessions in several processes, read at random times: each lives exactly as long as somebody reads it.
import fc from 'fast-check'
import { createCache } from 'tiercache'
import { FakeClock, MemoryServer, memoryTier, settle } from 'tiercache/testing'
import { expect, test } from 'vitest'

const IDLE_MS = 10_000
const TENTH_MS = IDLE_MS / 10
const PROCESSES = 3
/** Ten idle lives at least, so that what is read outlives many of them. */
const HISTORY_MS = 12 * IDLE_MS

interface Step {
  readonly afterMs: number
  readonly process: number
  readonly how: 'get' | 'getOrSet' | 'touch'
}

/** Pauses below nine tenths of an idle life: no session of such a history may go idle. */
const livelyPauses = fc.integer({ min: 1, max: IDLE_MS - TENTH_MS - 1 })
/** Pauses around the boundary, and beyond. */
const anyPauses = fc.oneof(
  livelyPauses,
  fc.constantFrom(IDLE_MS - TENTH_MS, IDLE_MS - 1, IDLE_MS, IDLE_MS + 1),
  fc.integer({ min: IDLE_MS, max: 3 * IDLE_MS }),
)

function stepsOf(afterMs: fc.Arbitrary<number>, processes: number): fc.Arbitrary<readonly Step[]> {
  const how = fc.constantFrom('get' as const, 'getOrSet' as const, 'touch' as const)
  const step = fc.record({ afterMs, process: fc.nat(processes - 1), how })
  return fc.array(step, { minLength: 5, maxLength: 60 })
}

/** Plays a history; `check` learns after each step how long nobody had read the session before it, and whether it was found. */
async function play(
  steps: readonly Step[],
  check: (unreadMs: number, isFound: boolean, ageMs: number) => void,
  options: { readonly ttl: number; readonly l1?: false },
): Promise<void> {
  const clock = new FakeClock()
  const server = new MemoryServer({ clock })
  const caches = Array.from({ length: PROCESSES }, () =>
    createCache({ ...options, idleTtl: IDLE_MS, logger: false, clock, l2: memoryTier(server) }),
  )
  await clock.advance(1)
  await caches[0]?.set('s', 'v')
  const createdAtMs = clock.nowMs()
  let readAtMs = createdAtMs
  for (const { afterMs, process, how } of steps) {
    await clock.advance(afterMs)
    const cache = caches[process] as (typeof caches)[number]
    const reading =
      how === 'get'
        ? cache.get('s')
        : how === 'touch'
          ? cache.touch('s')
          : cache.getOrSet('s', (ctx) => {
              ctx.skip()
              return undefined
            })
    const isFound = [1, 'v'].includes((await reading) as never)
    await settle()
    check(clock.nowMs() - readAtMs, isFound, clock.nowMs() - createdAtMs)
    if (!isFound) break
    readAtMs = clock.nowMs()
    if (readAtMs > createdAtMs + HISTORY_MS) break
  }
  await Promise.all([...caches.map((cache) => cache.close()), clock.advance(100)])
}

const FOREVER = Number.POSITIVE_INFINITY

test.each([
  ['one process', 1, { ttl: FOREVER }],
  ['several processes', PROCESSES, { ttl: FOREVER }],
  ['several processes without memory', PROCESSES, { ttl: FOREVER, l1: false }],
] as const)('a session that is read often enough by %s is always found', async (_who, processes, options) => {
  await fc.assert(
    fc.asyncProperty(stepsOf(livelyPauses, processes), (steps) =>
      play(steps, (unreadMs, isFound) => expect([unreadMs, isFound]).toEqual([unreadMs, true]), options),
    ),
    { numRuns: 60 },
  )
})

test('a session is found until nine tenths of an idle life after its last read, and never after a whole one', async () => {
  await fc.assert(
    fc.asyncProperty(stepsOf(anyPauses, PROCESSES), (steps) =>
      play(
        steps,
        (unreadMs, isFound) => {
          if (unreadMs < IDLE_MS - TENTH_MS) expect([unreadMs, isFound]).toEqual([unreadMs, true])
          if (unreadMs >= IDLE_MS) expect([unreadMs, isFound]).toEqual([unreadMs, false])
        },
        { ttl: FOREVER },
      ),
    ),
    { numRuns: 100 },
  )
})

test('no session outlives its ttl, however often it is read', async () => {
  const ttl = 3 * IDLE_MS
  await fc.assert(
    fc.asyncProperty(stepsOf(livelyPauses, PROCESSES), (steps) =>
      play(steps, (_unreadMs, isFound, ageMs) => expect([ageMs, isFound]).toEqual([ageMs, ageMs < ttl]), { ttl }),
    ),
    { numRuns: 60 },
  )
})
