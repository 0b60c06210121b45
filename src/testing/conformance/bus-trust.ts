// Bus cases: when a bus may be believed, and that it says so when it may not.
import assert from 'node:assert/strict'
import { conformanceCase, type OpenBus } from './bench.js'

/** How long nothing is announced in a case that waits for silence. */
const SILENCE_MS = 3_000

export const trustCases = [
  conformanceCase('a bus is heard again and again while nothing is announced', [], async (bench) => {
    const listener = await bench.openBus()
    for (let time = 0; time < 2; time++) {
      const sinceMs = bench.context.clock.nowMs()
      await bench.until('the bus is heard again', () => lastHeardAtMs(listener) >= sinceMs)
    }
    assert.deepEqual(listener.losses, [])
  }),

  conformanceCase(
    'what was announced before the bus is said to be heard has been delivered',
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

  conformanceCase('a closed bus tells nothing any more, and can be closed again', [], async (bench) => {
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

  conformanceCase('during an outage a bus is not heard, and it is heard again after it', ['outage'], async (bench) => {
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
    'what is announced during an outage is delivered after it, in order, or said to be lost before the bus is heard',
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

/** Delivered texts follow each other without a gap, unless `lost` was told where the gap is. Repetitions are allowed. */
function assertCoherent(listener: OpenBus, announced: readonly string[]): void {
  let next = 0
  let mayJump = false
  for (const told of listener.story) {
    if (told === 'lost') {
      mayJump = true
      continue
    }
    const index = Number(told.slice('message '.length))
    assert.ok(index <= next || mayJump, `${index} was told while ${next} was missing and nothing was said to be lost`)
    next = Math.max(next, index + 1)
    mayJump = false
  }
  assert.ok(next === announced.length || mayJump, `${announced.length - next} announcements are missing without a word`)
}
