// Two versions of one thing in one process: rounds take turns, so a machine that does other things as well changes little.

const ROUNDS = 40
const ROUND_MICROS = 20_000

/** Nanoseconds of CPU per call of each version: medians over rounds. */
export function compareVersions(
  runOther: () => unknown,
  runThis: () => unknown,
): { readonly other: number; readonly this: number } {
  const [others, ours]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    others.push(nsPerCall(runOther))
    ours.push(nsPerCall(runThis))
  }
  return { other: medianOf(others), this: medianOf(ours) }
}

function nsPerCall(run: () => unknown): number {
  let calls = 0
  const before = process.cpuUsage()
  let usedMicros = 0
  while (usedMicros < ROUND_MICROS) {
    for (let i = 0; i < 20; i++) run()
    calls += 20
    const { user, system } = process.cpuUsage(before)
    usedMicros = user + system
  }
  return (usedMicros * 1000) / calls
}

function medianOf(samples: readonly number[]): number {
  return [...samples].sort((a, b) => a - b)[samples.length >> 1] ?? Number.NaN
}
