// Bus cases: a bus reports `heard` only when it may be trusted, and `lost` when it may have missed something.
import assert from 'node:assert/strict'
import { conformanceCase, type OpenBus } from './bench.js'

/** How long a case that waits for silence announces nothing. */
const SILENCE_MS = 3_000

export const trustCases = [
  conformanceCase('a bus is heard repeatedly while nothing is announced', [], async (bench) => {
    const listener = await bench.openBus()
    for (let time = 0; time < 2; time++) {
      const sinceMs = bench.context.clock.nowMs()
      await bench.until('the bus is heard again', () => lastHeardAtMs(listener) >= sinceMs)
    }
    assert.deepEqual(listener.losses, [])
  }),

  conformanceCase(
    'when a bus is heard, it has delivered everything announced before',
    ['announcements'],
    async (bench) => {
      const [listener, sender] = [await bench.openBus(), await bench.openBus()]
      for (let round = 0; round < 20; round++) {
        await sender.announce(Buffer.from(String(round)))
        const announcedAtMs = bench.context.clock.nowMs()
        await bench.until('the bus is heard after the announcement', () => lastHeardAtMs(listener) > announcedAtMs)
        assert.ok(
          listener.messages.some((bytes) => String(bytes) === String(round)),
          `${round} was not delivered`,
        )
      }
    },
  ),

  conformanceCase('a closed bus reports nothing, and can be closed again', [], async (bench) => {
    const [listener, sender] = [await bench.openBus(), await bench.openBus()]
    await listener.bus.close()
    await listener.bus.close()
    const told = listener.story.length + listener.heardAtMs.length + listener.changes.length
    if (sender.bus.announces !== 'none') await sender.announce(Buffer.from('too late'))
    await bench.sleep(SILENCE_MS)
    assert.equal(listener.story.length + listener.heardAtMs.length + listener.changes.length, told)
  }),

  conformanceCase('a bus that was never started can be closed', [], async (bench) => {
    const { bus } = await bench.connect()
    await bus?.close()
  }),

  conformanceCase('a bus is not heard during an outage, and is heard again afterwards', ['outage'], async (bench) => {
    const listener = await bench.openBus()
    await listener.peer.cut?.()
    const cutAtMs = bench.context.clock.nowMs()
    await bench.sleep(SILENCE_MS)
    assert.ok(lastHeardAtMs(listener) <= cutAtMs, 'a bus was heard while its link was cut')
    await listener.peer.restore?.()
    const restoredAtMs = bench.context.clock.nowMs()
    await bench.until('the bus is heard again', () => lastHeardAtMs(listener) >= restoredAtMs)
  }),

  conformanceCase(
    'announcements made during an outage are delivered after it in order, or a loss is reported before the bus is heard',
    ['outage', 'announcements'],
    async (bench) => {
      const [listener, sender] = [await bench.openBus(), await bench.openBus()]
      const announced: string[] = []
      for (let round = 0; round < 3; round++) {
        await announceNext(sender, announced)
        await listener.peer.cut?.()
        for (let count = 0; count < 5; count++) await announceNext(sender, announced)
        await listener.peer.restore?.()
        const restoredAtMs = bench.context.clock.nowMs()
        await bench.until('the bus is heard again', () => lastHeardAtMs(listener) >= restoredAtMs)
        assertCoherent(listener, announced)
      }
    },
  ),

  conformanceCase('a bus can be started and closed during an outage', ['outage'], async (bench) => {
    const peer = await bench.connect()
    await peer.cut?.()
    const told: string[] = []
    const tell = (what: string) => () => void told.push(what)
    const events = { message: tell('message'), changed: tell('changed'), heard: tell('heard'), lost: () => {} }
    peer.bus?.start(bench.name, events, bench.context.clock)
    await bench.sleep(100)
    await peer.bus?.close()
    assert.deepEqual(told, [])
    await peer.restore?.()
  }),
]

function lastHeardAtMs(listener: OpenBus): number {
  return Math.max(Number.NEGATIVE_INFINITY, ...listener.heardAtMs)
}

async function announceNext(sender: OpenBus, announced: string[]): Promise<void> {
  const text = String(announced.length)
  announced.push(text)
  await sender.announce(Buffer.from(text))
}

/** Texts are delivered without a gap, unless `lost` was reported at the gap. Repetitions are allowed. */
function assertCoherent(listener: OpenBus, announced: readonly string[]): void {
  let next = 0
  let mayJump = false
  for (const reported of listener.story) {
    if (reported === 'lost') {
      mayJump = true
      continue
    }
    const index = Number(reported.slice('message '.length))
    assert.ok(index <= next || mayJump, `${index} was delivered while ${next} was missing and no loss was reported`)
    next = Math.max(next, index + 1)
    mayJump = false
  }
  assert.ok(
    next === announced.length || mayJump,
    `${announced.length - next} announcements are missing and no loss was reported`,
  )
}
