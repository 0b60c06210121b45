import { expect, test } from 'vitest'
import { GlideQueue } from '../../../src/redis/adapters/glide-queue.js'

/** A client that replies only when it is told to. */
function slowClient() {
  const queue = new GlideQueue()
  const sent: string[] = []
  const replies = new Map<string, () => void>()
  const send = (name: string, command: string, slot = 0) =>
    queue.run(slot, command, () => {
      sent.push(name)
      return new Promise((resolve) => replies.set(name, () => resolve(name)))
    })
  const reply = async (...names: string[]) => {
    for (const name of names) replies.get(name)?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { send, sent, reply }
}

test('a write waits for the replies to all commands before it, a read for those to the writes before it', async () => {
  const { send, sent, reply } = slowClient()
  const all = [send('r1', 'mget'), send('r2', 'get'), send('w1', 'set'), send('r3', 'mget'), send('w2', 'evalsha')]
  expect(sent).toEqual(['r1', 'r2'])
  await reply('r1')
  expect(sent).toEqual(['r1', 'r2'])
  await reply('r2')
  expect(sent).toEqual(['r1', 'r2', 'w1'])
  await reply('w1')
  expect(sent).toEqual(['r1', 'r2', 'w1', 'r3'])
  await reply('r3')
  await reply('w2')
  expect(await Promise.all(all)).toEqual(['r1', 'r2', 'w1', 'r3', 'w2'])
})

test('commands of different slots do not wait for each other', () => {
  const { send, sent } = slowClient()
  void send('a', 'set', 1)
  void send('b', 'set', 2)
  void send('c', 'set', 1)
  expect(sent).toEqual(['a', 'b'])
})

test('no more than 250 commands are sent at once, and the others follow in their order', async () => {
  const { send, sent, reply } = slowClient()
  const names = Array.from({ length: 300 }, (_, i) => `${i}`)
  const all = names.map((name) => send(name, 'get'))
  expect(sent.length).toBe(250)
  await reply(...names.slice(0, 250))
  expect(sent).toEqual(names)
  await reply(...names.slice(250))
  expect(await Promise.all(all)).toEqual(names)
})

test('a command that fails does not stop those behind it', async () => {
  const queue = new GlideQueue()
  const failed = queue.run(0, 'set', () => Promise.reject(new Error('no')))
  const next = queue.run(0, 'set', async () => 'done')
  await expect(failed).rejects.toThrow('no')
  expect(await next).toBe('done')
})
