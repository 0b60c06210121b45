// What docs/guides/metrics.md says of a subscriber of a diagnostics channel that throws.
import { expect, test } from 'vitest'
import { startChild } from '../support/child.js'

test('what it throws is an uncaught exception of the process; the load and its caller go on', async () => {
  const child = startChild(new URL('./programs/listens-badly.ts', import.meta.url))
  expect(await child.exit).toEqual({ code: 0, signal: null })
  expect(child.messages).toEqual(
    expect.arrayContaining([{ uncaught: 'a bad subscriber' }, { loaded: 'v' }, { kept: 'v' }]),
  )
})
