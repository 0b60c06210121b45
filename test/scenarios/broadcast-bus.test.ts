// The bus between worker threads, on real channels and with a second real thread.
import { BroadcastChannel, Worker } from 'node:worker_threads'
import { expect, onTestFinished, test, vi } from 'vitest'
import { broadcastBus } from '../../src/bus/broadcast-bus.js'
import type { Bus, BusEvents } from '../../src/model/ports.js'
import { systemClock } from '../../src/model/time/clock.js'

const source = new URL('../../src/bus/broadcast-bus.ts', import.meta.url).href
const clockSource = new URL('../../src/model/time/clock.ts', import.meta.url).href

function started(channel: string, told: string[]): Bus {
  const bus = broadcastBus({ beat: '50ms' })
  const events: BusEvents = {
    message: (bytes) => told.push(`message ${Buffer.from(bytes)}`),
    changed: () => told.push('changed'),
    heard: () => {},
    lost: () => told.push('lost'),
  }
  bus.start(channel, events, systemClock)
  onTestFinished(() => bus.close())
  return bus
}

test('threads receive each other’s announcements', async () => {
  const channel = `threads-${crypto.randomUUID()}`
  const told: string[] = []
  const bus = started(channel, told)
  const script = `
    import('tsx/esm/api').then(async ({ tsImport }) => {
      const { broadcastBus } = await tsImport(${JSON.stringify(source)}, ${JSON.stringify(import.meta.url)})
      const { systemClock } = await tsImport(${JSON.stringify(clockSource)}, ${JSON.stringify(import.meta.url)})
      const bus = broadcastBus()
      const answer = (bytes) => {
        if (String(Buffer.from(bytes)) === 'ping') bus.publish(Buffer.from('pong'))
      }
      bus.start(${JSON.stringify(channel)}, { message: answer, changed() {}, heard() {}, lost() {} }, systemClock)
      setTimeout(() => {}, 60_000) // The bus itself keeps no process alive.
      await bus.publish(Buffer.from('hello'))
    })
  `
  const worker = new Worker(script, { eval: true })
  onTestFinished(async () => void (await worker.terminate()))
  await vi.waitFor(() => expect(told).toEqual(['message hello']), 20_000)
  await bus.publish(Buffer.from('ping'))
  await vi.waitFor(() => expect(told).toEqual(['message hello', 'message ping', 'message pong']), 20_000)
}, 60_000)

test('messages that other code posts on the same channel are ignored', async () => {
  const channel = `foreign-${crypto.randomUUID()}`
  const told: string[] = []
  const bus = started(channel, told)
  const foreign = new BroadcastChannel(`tiercache:${channel}`)
  onTestFinished(() => foreign.close())
  for (const posted of [undefined, null, 'text', 7, {}, { announcement: 'text' }, { beatOf: 'somebody' }]) {
    foreign.postMessage(posted)
  }
  await bus.publish(Buffer.from('ours'))
  await vi.waitFor(() => expect(told).toEqual(['message ours']), 20_000)
})

test('only the bytes of the announcement are posted, not the buffer pool that contains them', async () => {
  const channel = `pool-${crypto.randomUUID()}`
  const bus = started(channel, [])
  const posted: number[] = []
  const spy = new BroadcastChannel(`tiercache:${channel}`)
  onTestFinished(() => spy.close())
  spy.onmessage = ({ data }) => {
    const { announcement } = data as { announcement?: Uint8Array }
    if (announcement) posted.push(announcement.buffer.byteLength)
  }
  await bus.publish(Buffer.from('four'))
  await vi.waitFor(() => expect(posted).toEqual([4]), 20_000)
})

test('an open bus does not keep the process alive', () => {
  const before = process.getActiveResourcesInfo()
  started(`alive-${crypto.randomUUID()}`, [])
  expect(process.getActiveResourcesInfo()).toEqual(before)
})
