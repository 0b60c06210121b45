import { FakeClock } from 'tiercache/testing'
import { expect, test } from 'vitest'
import { OnceASecond } from '../../../../src/flow/events/once-a-second.js'

test('admits one event of a kind in a second', async () => {
  const clock = new FakeClock()
  const floods = new OnceASecond(clock)
  expect(floods.admits('a')).toBe(true)
  expect(floods.admits('a')).toBe(false)
  expect(floods.admits('b')).toBe(true)
  await clock.advance(999)
  expect(floods.admits('a')).toBe(false)
  await clock.advance(1)
  expect(floods.admits('a')).toBe(true)
})

test('remembers a bounded number of kinds', () => {
  const floods = new OnceASecond(new FakeClock())
  const admitted = Array.from({ length: 1_000 }, (_, i) => floods.admits(`kind ${i}`)).filter(Boolean)
  expect(admitted).toHaveLength(101)
})
