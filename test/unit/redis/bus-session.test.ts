import { describe, expect, test } from 'vitest'
import { type Line, type SessionCalls, SessionLoop } from '../../../src/redis/bus/bus-session.js'
import type { RedisNode } from '../../../src/redis/client/client.js'
import { FakeClock, settle } from '../../../src/testing/index.js'
import { FakeClient } from './fake-client.js'

function loop(listen: (client: RedisNode, calls: SessionCalls) => Promise<never>) {
  const clock = new FakeClock()
  const lines: (Line & { ended: string[]; client: FakeClient })[] = []
  const session = new SessionLoop({
    clock,
    dial: async ({ keep }) => {
      const ended: string[] = []
      const line = { client: new FakeClient(), ended, hangUp: (reason: string) => void ended.push(reason) }
      lines.push(line)
      keep(line)
      return line
    },
    listen,
  })
  session.start()
  return { clock, lines, session }
}

const never = () => new Promise<never>(() => {})

describe('a session on a listening connection', () => {
  test('ends when no reply comes in time, and a new one begins at once', async () => {
    const { clock, lines, session } = loop(async (_, calls) => {
      calls.works()
      return calls.ask(never(), 1_000)
    })
    await settle()
    await clock.advance(999)
    expect(lines).toHaveLength(1)
    await clock.advance(1)
    await settle()
    expect(lines[0]?.ended).toEqual(['broke'])
    expect(lines).toHaveLength(2)
    session.close()
  })

  test('ends when the link drops, without waiting for a reply that never comes', async () => {
    const { lines, session } = loop(async (_, calls) => {
      calls.works()
      return calls.ask(never(), 60_000)
    })
    await settle()
    lines[0]?.client.become('close')
    await settle()
    expect(lines).toHaveLength(2)
    expect(lines[0]?.client.eventNames()).toEqual([])
    session.close()
  })

  test('is retried with growing pauses while it fails', async () => {
    const { clock, lines, session } = loop(() => Promise.reject(new Error('refused')))
    await settle()
    await clock.advance(10_000)
    // Without back-off there would be endlessly many attempts; with one per second there are ten.
    expect(lines.length).toBeGreaterThan(8)
    expect(lines.length).toBeLessThan(40)
    session.close()
  })

  test('gives up connecting if it takes too long, and disconnects', async () => {
    const clock = new FakeClock()
    const ended: string[] = []
    const session = new SessionLoop({
      clock,
      dial: ({ keep }) => {
        keep({ client: new FakeClient(), hangUp: (reason) => void ended.push(reason) })
        return never()
      },
      listen: never,
    })
    session.start()
    await clock.advance(10_000)
    expect(ended.length).toBeGreaterThan(1)
    session.close()
  })

  test('is ended at once by close, which leaves no timer', async () => {
    let failure: unknown
    const { clock, lines, session } = loop(async (_, calls) => {
      try {
        return await calls.ask(never(), 60_000)
      } catch (error) {
        failure = error
        throw error
      }
    })
    await settle()
    session.close()
    session.close()
    await settle()
    expect(lines[0]?.ended).toEqual(['closed'])
    expect(String(failure)).toContain('closed')
    expect(clock.pendingTimers).toBe(0)
    expect(lines).toHaveLength(1)
  })

  test('has pauses that close cuts short', async () => {
    const { clock, session } = loop(async (_, calls) => {
      await calls.pause(60_000)
      return never()
    })
    await settle()
    session.close()
    await settle()
    expect(clock.pendingTimers).toBe(0)
  })
})
