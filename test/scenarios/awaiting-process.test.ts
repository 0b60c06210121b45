// Nothing of the SDK keeps a process alive, unless a caller awaits a result that will come after some time.
import { afterEach, expect, test } from 'vitest'
import { type Child, startChild } from '../support/child.js'

let child: Child | undefined

afterEach(async () => {
  await child?.kill()
})

/** Runs the program until it ends by itself. A hang is a failure. */
async function run(what: string): Promise<{ code: unknown; got: unknown }> {
  const own = startChild(new URL('./programs/awaits.ts', import.meta.url), { args: [what] })
  child = own
  const hang = new Promise<{ code: string }>((resolve) => setTimeout(() => resolve({ code: 'still alive' }), 20_000))
  const { code } = await Promise.race([own.exit, hang])
  return { code, got: (own.messages[0] as { got: unknown } | undefined)?.got }
}

test.each([
  ['the lease of a process that died', 'loaded here'],
  ['an L2 that does not reply to a read', 'loaded here'],
  ['an L2 that does not reply to a look-up', [null, [null, null]]],
  ['an L2 that does not reply to a write', ['queued', 'queued', 'queued']],
  ['an L2 that takes a while', 1],
  ['the hard timeout of a loader that hangs', 'LOAD_TIMEOUT'],
  ['the soft timeout of a loader that hangs', 'stale'],
  ['the window of a batch', 1],
  ['room in a full queue of a source', 'QUEUE_FULL'],
  ['background work', 'drained'],
  ['the close of a cache whose work hangs', 'closed'],
])('a process does not end before it has what it waits for: %s', async (what, got) => {
  expect(await run(what)).toEqual({ code: 0, got })
})

test.each([
  ['a background refresh waits for the lease of another process', 'old'],
  ['the load behind a stale value hangs', 'old'],
])('a process ends although work is running that nothing waits for: %s', async (what, got) => {
  expect(await run(`nothing: ${what}`)).toEqual({ code: 0, got })
})

test('a loader that hangs and has no time limit keeps no process alive', async () => {
  // Node exits with 13 if something awaited never settles.
  expect(await run('a loader that hangs, without any limit')).toEqual({ code: 13, got: undefined })
})
