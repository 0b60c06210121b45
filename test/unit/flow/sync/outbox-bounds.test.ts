// How many changes may wait to be published: endless calls go to the journal, which is bounded; a single call, however large, does not.
import { expect, test } from 'vitest'
import type { Background } from '../../../../src/flow/runtime/background.js'
import { Outbox } from '../../../../src/flow/sync/outbox.js'
import type { PendingChange } from '../../../../src/flow/sync/pending-change.js'
import type { Publisher } from '../../../../src/flow/sync/publisher.js'

const MAX_WAITING = 200_000

function makeOutbox() {
  let published = 0
  let journaled = 0
  const publisher = {
    hasListeners: true,
    publish: async (changes: readonly PendingChange[]) => {
      published += changes.length
      return changes.map(() => undefined)
    },
  }
  const journal = { add: () => journaled++, confirmed: () => {}, blocks: () => false }
  const background = { run: (_: string, work: () => Promise<unknown>) => void work() }
  const outbox = new Outbox(publisher as never as Publisher, journal, background as never as Background, () => {})
  return { outbox, counts: () => ({ published, journaled }) }
}

const invalidations = (count: number): PendingChange[] =>
  Array.from({ length: count }, (_, i) => {
    const label = `t:${i}`
    return { subject: label, change: { op: 'invalidateLabel', label }, labels: [], plan: undefined }
  })

const ONE = invalidations(1)

/** Calls without a pause, until more wait than allowed. */
async function submitBeyondBound(outbox: Outbox) {
  const results = await Promise.all(Array.from({ length: MAX_WAITING + 1 }, () => outbox.submit(ONE)))
  return new Set(results)
}

test('calls without a pause fill the outbox up to its bound, and then all of them go to the journal', async () => {
  const { outbox, counts } = makeOutbox()
  expect(await submitBeyondBound(outbox)).toEqual(new Set(['queued']))
  expect(counts()).toEqual({ published: 0, journaled: MAX_WAITING + 1 })
})

test('a call of more changes than may wait is published whole, as is a call beside it; the bound of later calls is the same', async () => {
  const { outbox, counts } = makeOutbox()
  const count = MAX_WAITING + 50_000
  expect(await Promise.all([outbox.submit(invalidations(count)), outbox.submit(ONE)])).toEqual(['applied', 'applied'])
  expect(counts()).toEqual({ published: count + 1, journaled: 0 })
  expect(await submitBeyondBound(outbox)).toEqual(new Set(['queued']))
  expect(counts()).toEqual({ published: count + 1, journaled: MAX_WAITING + 1 })
})
