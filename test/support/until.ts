// Lets a call on the fake clock come to its end, however long it waits.
import type { FakeClock } from 'tiercache/testing'

/** Advances `clock` in steps until `work` has settled, and settles as it does. Fails after a minute of fake time: a hang. */
export async function until<T>(clock: FakeClock, work: Promise<T>, stepMs = 1): Promise<T> {
  let isOver = false
  const over = () => {
    isOver = true
  }
  work.then(over, over)
  const hungAtMs = clock.nowMs() + 60_000
  for (await clock.advance(0); !isOver; ) {
    if (clock.nowMs() >= hungAtMs) throw new Error('the call did not end within a minute')
    await clock.advance(stepMs)
  }
  return work
}
