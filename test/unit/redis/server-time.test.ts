import { FakeClock } from 'tiercache/testing'
import { beforeEach, describe, expect, test } from 'vitest'
import { markKeyOf } from '../../../src/model/keys/key.js'
import { slotOf } from '../../../src/redis/connection/slot.js'
import { ServerTime } from '../../../src/redis/server/server-time.js'

const MOMENT = '1764374400123456'

let clock: FakeClock
let time: ServerTime

beforeEach(() => {
  clock = new FakeClock()
  time = new ServerTime(clock)
})

describe('the date of a command', () => {
  test('is earlier than anything that the server did while its time is unknown', () => {
    const { sentAt, lateAt } = time.sending()
    expect(sentAt < MOMENT).toBe(true)
    // So the command is refused as late, and the reply brings the time.
    expect(lateAt < MOMENT).toBe(true)
  })

  test('is the last known time of the server plus the time since, a little less because clocks drift', async () => {
    time.heard(MOMENT)
    await clock.advance(1_000)
    expect(time.sending()).toEqual({ sentAt: '1764374401122456', lateAt: '1764374406122456' })
  })

  test('is no later than a reply of the TIME command allows', () => {
    time.learn({ serverMs: 1_764_374_400_123.456, sentAtMs: clock.nowMs() - 80, receivedAtMs: clock.nowMs() })
    expect(time.sending().sentAt).toBe(MOMENT)
  })
})

test.each(['', 'app:', 'app{x}:'])('with the prefix "%s" a change mark has the cluster slot of its key', (prefix) => {
  for (const key of ['shop:user', 'shop/catalog@3:%7Bx%7D', 'shop:%#0f3a']) {
    const mark = markKeyOf(key, 'shop', prefix)
    expect(slotOf(prefix + mark)).toBe(slotOf(prefix + key))
    expect(mark).not.toBe(key)
  }
})
