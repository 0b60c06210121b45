// Bus cases: announcements arrive complete and in order at every listener of their channel.
import assert from 'node:assert/strict'
import { assertBytes, conformanceCase, LONG_LIFE_MS, newEntry } from './bench.js'

export const messageCases = [
  conformanceCase(
    'an announcement reaches every bus of its channel, that of its sender included',
    ['announcements'],
    async (bench) => {
      const buses = [await bench.openBus(), await bench.openBus(), await bench.openBus()]
      await buses[0]!.announce(Buffer.from('to all'))
      for (const { messages } of buses) {
        await bench.until('the announcement arrives', () => messages.length > 0)
        assert.deepEqual(messages.map(String), ['to all'])
      }
    },
  ),

  conformanceCase(
    'announcements of one sender arrive in the order in which they were sent',
    ['announcements'],
    async (bench) => {
      const senders = [await bench.openBus(), await bench.openBus()]
      const listener = await bench.openBus()
      const texts = Array.from({ length: 200 }, (_, index) => String(index))
      const sent = texts.flatMap((text) =>
        senders.map((sender, index) => sender.announce(Buffer.from(`${index} ${text}`))),
      )
      await Promise.all(sent)
      await bench.until('everything arrived', () => listener.messages.length >= sent.length)
      for (const sender of ['0', '1']) {
        const arrived = listener.messages.map(String).filter((message) => message.startsWith(`${sender} `))
        assert.deepEqual(
          arrived,
          texts.map((text) => `${sender} ${text}`),
        )
      }
    },
  ),

  conformanceCase('announcements arrive unchanged, byte for byte', ['announcements'], async (bench) => {
    const sender = await bench.openBus()
    const listener = await bench.openBus()
    const all = Buffer.from(Array.from({ length: 65_536 }, (_, index) => index & 0xff))
    for (const bytes of [Buffer.from([0]), all]) await sender.announce(bytes)
    await bench.until('everything arrived', () => listener.messages.length === 2)
    assertBytes(listener.messages[0], Buffer.from([0]))
    assertBytes(listener.messages[1], all)
  }),

  conformanceCase('an announcement in one channel does not reach another', ['announcements'], async (bench) => {
    const here = await bench.openBus()
    const elsewhere = await bench.openBus(`${bench.name}-other`)
    await elsewhere.announce(Buffer.from('elsewhere'))
    await bench.until('it arrives elsewhere', () => elsewhere.messages.length === 1)
    await here.announce(Buffer.from('here'))
    await bench.until('it arrives here', () => here.messages.length > 0)
    assert.deepEqual(here.messages.map(String), ['here'])
    assert.deepEqual(elsewhere.messages.map(String), ['elsewhere'])
  }),

  conformanceCase(
    'the position of a bus that reads a log moves with each delivery',
    ['log', 'announcements'],
    async (bench) => {
      const listener = await bench.openBus()
      assert.equal(listener.bus.announces, 'store')
      const before = listener.bus.position()
      assert.ok(before !== undefined)
      await listener.announce(Buffer.from('moves'))
      await bench.until('the announcement arrives', () => listener.messages.length === 1)
      assert.notEqual(listener.bus.position(), before)
    },
  ),

  conformanceCase(
    'a change that nobody announced is reported with its key, or as a change of everything',
    ['changes'],
    async (bench) => {
      const listener = await bench.openBus()
      const { store } = await bench.openStore()
      const put = { op: 'put', key: bench.key('changed'), bytes: newEntry(), keepMs: LONG_LIFE_MS } as const
      await store.apply([put], undefined)
      await bench.until('the put is reported', () => listener.changes.some((keys) => names(keys, put.key)))
      listener.changes.length = 0
      await store.apply([{ op: 'delete', key: put.key }], undefined)
      await bench.until('the delete is reported', () => listener.changes.some((keys) => names(keys, put.key)))
    },
  ),
]

function names(keys: readonly string[] | 'all', key: string): boolean {
  return keys === 'all' || keys.includes(key)
}
