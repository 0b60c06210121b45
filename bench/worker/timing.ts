// Loops that measure a call: alone, one after another, or a number of calls in flight.

const BATCH = 1_024
const CALIBRATION_STEPS = 2_000_000

/** Nanoseconds per call that returns a resolved promise. The event loop turns once per batch, as it does in a service. */
export async function timeAwaited(call: (i: number) => Promise<unknown>, budgetMs: number): Promise<number> {
  const startMs = performance.now()
  let calls = 0
  let tookMs = 0
  while (tookMs < budgetMs) {
    for (let i = 0; i < BATCH; i++) await call(calls + i)
    calls += BATCH
    await new Promise(setImmediate)
    tookMs = performance.now() - startMs
  }
  return (tookMs * 1e6) / calls
}

/** The same for a synchronous function. */
export async function timeSync(call: (i: number) => unknown, budgetMs: number): Promise<number> {
  const startMs = performance.now()
  let calls = 0
  let tookMs = 0
  let seen: unknown
  while (tookMs < budgetMs) {
    for (let i = 0; i < BATCH; i++) {
      const value = call(calls + i)
      if (value !== undefined) seen = value
    }
    calls += BATCH
    await new Promise(setImmediate)
    tookMs = performance.now() - startMs
  }
  if (seen === undefined) throw new Error('nothing was found')
  return (tookMs * 1e6) / calls
}

/** The median of single calls, one at a time, in nanoseconds. */
export async function timeOneByOne(call: (i: number) => Promise<unknown>, budgetMs: number): Promise<number> {
  const times: number[] = []
  const startMs = performance.now()
  let beforeMs = startMs
  while (beforeMs - startMs < budgetMs) {
    await call(times.length)
    const afterMs = performance.now()
    times.push(afterMs - beforeMs)
    beforeMs = afterMs
  }
  times.sort((a, b) => a - b)
  return (times[times.length >> 1] as number) * 1e6
}

/** While a library waited for its turn, V8 made its young generation small. Until that has grown again, garbage is expensive. */
const LEAD_IN_MS = 100

/** Nanoseconds per call with `inFlight` calls in flight. The work that continues after the calls is included. */
export async function timeInFlight(
  call: (i: number) => Promise<unknown>,
  inFlight: number,
  budgetMs: number,
  settle: () => Promise<unknown>,
): Promise<number> {
  let calls = 0
  const run = async (untilMs: number) => {
    const caller = async () => {
      while (performance.now() < untilMs) await call(calls++)
    }
    await Promise.all(Array.from({ length: inFlight }, caller))
    await settle()
  }
  await run(performance.now() + LEAD_IN_MS)
  const callsBefore = calls
  const startMs = performance.now()
  await run(startMs + budgetMs)
  return ((performance.now() - startMs) * 1e6) / (calls - callsBefore)
}

/** A fixed piece of work for the processor alone. Its duration shows whether the machine is busy. */
export function calibrate(): number {
  const startMs = performance.now()
  let state = 1
  for (let i = 0; i < CALIBRATION_STEPS; i++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
  }
  if (state === 0) throw new Error('xorshift never returns 0')
  return performance.now() - startMs
}
