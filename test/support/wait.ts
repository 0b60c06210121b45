// Waits for something outside this process: polls until it is true, and fails with a sentence if it never is.

/** Polls `check` until it returns something truthy. A rejection counts as "not yet". Exceeding the limit means a hang. */
export async function waitFor<T>(
  what: string,
  check: () => T | Promise<T>,
  { limitMs = 20_000, everyMs = 10 }: { limitMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const giveUpAtMs = performance.now() + limitMs
  let last: unknown
  while (performance.now() < giveUpAtMs) {
    try {
      last = await check()
      if (last) return last as NonNullable<T>
    } catch (error) {
      last = error
    }
    await sleep(everyMs)
  }
  throw new Error(`waited ${limitMs} ms for ${what}; last seen: ${String(last)}`)
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
