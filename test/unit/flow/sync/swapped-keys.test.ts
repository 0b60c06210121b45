// How a key that was changed by a swap waits in the journal beside other changes of it.
import { expect, test } from 'vitest'
import { asWaiting, bytesOf, merged, type PendingChange, removalOf } from '../../../../src/flow/sync/pending-change.js'

const key = 'cache:k'
const bytes = Buffer.from('an entry')

function waiting(change: PendingChange['change']): PendingChange {
  return { subject: 'k', change, labels: [], plan: undefined }
}

const announcement = waiting({ op: 'swapped', key, again: undefined })
const unknown = () => waiting({ op: 'swapped', key, again: { expected: bytes, next: bytes, keepMs: 1 } })
const removal = waiting({ op: 'delete', key })

test('it waits as it is, with the bytes of a swap whose reply was lost', () => {
  expect([asWaiting(announcement), bytesOf(announcement)]).toEqual([announcement, 0])
  const swap = unknown()
  expect([asWaiting(swap), bytesOf(swap)]).toEqual([swap, bytes.length])
})

test('another change that waits for the key is published instead, and announces it', () => {
  for (const older of [
    removal,
    waiting({ op: 'put', key, bytes, keepMs: 1 }),
    waiting({ op: 'expire', key, stamp: bytes }),
  ]) {
    expect(merged(older, announcement)).toBe(older)
    expect(merged(older, unknown())).toBe(older)
  }
  for (const newer of [removal, waiting({ op: 'put', key, bytes, keepMs: 1 })])
    expect(merged(unknown(), newer)).toBe(newer)
})

test('of two swaps the one whose reply was lost waits; two of those leave a removal', () => {
  const swap = unknown()
  expect([merged(swap, announcement), merged(announcement, swap)]).toEqual([swap, swap])
  expect(merged(swap, unknown())).toEqual(removal)
})

test('it becomes a removal where its value cannot wait', () => {
  expect([removalOf(announcement), removalOf(unknown())]).toEqual([removal, removal])
})
