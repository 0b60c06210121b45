// How much waits to be published: calls without end go to the journal, which is bounded; one call, however large, does not.
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

test('one call of more changes than may wait is published, all of it', async () => {
  const { outbox, counts } = makeOutbox()
  expect(await outbox.submit(invalidations(MAX_WAITING + 50_000))).toBe('applied')
  expect(counts()).toEqual({ published: MAX_WAITING + 50_000, journaled: 0 })
})

test('so is what comes beside it', async () => {
  const { outbox, counts } = makeOutbox()
  const results = [outbox.submit(invalidations(MAX_WAITING + 50_000)), outbox.submit(invalidations(1))]
  expect(await Promise.all(results)).toEqual(['applied', 'applied'])
  expect(counts().journaled).toBe(0)
})

test('of calls without end no more than may wait does; the rest is left to the journal', async () => {
  const { outbox, counts } = makeOutbox()
  const results = Array.from({ length: MAX_WAITING + 1 }, () => outbox.submit(invalidations(1)))
  expect(new Set(await Promise.all(results))).toEqual(new Set(['queued']))
  expect(counts()).toEqual({ published: 0, journaled: MAX_WAITING + 1 })
})

test('a large call makes room for itself alone: after it the bound is the one of before', async () => {
  const { outbox, counts } = makeOutbox()
  await outbox.submit(invalidations(MAX_WAITING + 50_000))
  const results = Array.from({ length: MAX_WAITING + 1 }, () => outbox.submit(invalidations(1)))
  expect(new Set(await Promise.all(results))).toEqual(new Set(['queued']))
  expect(counts().journaled).toBe(MAX_WAITING + 1)
})
