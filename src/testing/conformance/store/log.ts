// Store cases: the log of announcements, read together with tokens.
import assert from 'node:assert/strict'
import { newToken } from '../../../model/labels.js'
import type { Bytes, RemoteStore } from '../../../model/ports.js'
import { type Bench, conformanceCase, LONG_LIFE_MS, newEntry } from '../bench.js'

const keepMs = LONG_LIFE_MS

export const logCases = [
  conformanceCase(
    'ensureTokens returns what was announced after a position of the bus, oldest first, byte for byte',
    ['log'],
    async (bench) => {
      const { store, position } = await opened(bench)
      const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
      for (const announcement of [Buffer.from('one'), all, Buffer.from('three')]) await store.apply([], announcement)
      assert.deepEqual(await log(store, bench, position), ['one', all.toString('latin1'), 'three'])
    },
  ),

  conformanceCase(
    'the log is empty if nothing was announced after the position, and undefined without a position',
    ['log'],
    async (bench) => {
      const { store, position } = await opened(bench)
      assert.deepEqual(await log(store, bench, position), [])
      assert.equal(await log(store, bench, undefined), undefined)
    },
  ),

  conformanceCase('the log is complete or undefined, however much was announced', ['log'], async (bench) => {
    const { store, position } = await opened(bench)
    const announcements = Array.from({ length: 12_000 }, (_, index) => String(index))
    for (let from = 0; from < announcements.length; from += 500) {
      const some = announcements.slice(from, from + 500)
      await Promise.all(some.map((text) => store.apply([], Buffer.from(text))))
    }
    const answered = await log(store, bench, position)
    if (answered !== undefined) assert.deepEqual(answered, announcements)
  }),

  conformanceCase(
    'a label is invalidated in one step with its announcement: a process that sees the first also sees the second',
    ['log'],
    async (bench) => {
      const { store: reader, position } = await opened(bench)
      const { store: writer } = await bench.openStore()
      for (let round = 0; round < 25; round++) {
        const label = bench.label(round)
        const [token] = (await writer.ensureTokens([label], [newToken()], keepMs, undefined)).tokens
        const written = writer.apply([{ op: 'invalidateLabel', label }], Buffer.from(label))
        const answers = await Promise.all(
          Array.from({ length: 4 }, () => reader.ensureTokens([label], [newToken()], keepMs, position)),
        )
        await written
        for (const answer of answers) {
          if (answer.tokens[0] !== token)
            assert.ok(texts(answer.log).includes(label), `round ${round}: replaced but not announced`)
        }
      }
    },
  ),

  conformanceCase(
    'changes come before their announcement: a process that sees the announcement also sees the changes',
    ['log'],
    async (bench) => {
      const { store: reader, position } = await opened(bench)
      const { store: writer } = await bench.openStore()
      for (let round = 0; round < 25; round++) {
        const key = bench.key(round)
        let isWritten = false
        const written = writer.apply([{ op: 'put', key, bytes: newEntry(), keepMs }], Buffer.from(key)).finally(() => {
          isWritten = true
        })
        let seen = await log(reader, bench, position)
        while (!isWritten && !seen?.includes(key)) seen = await log(reader, bench, position)
        // One after the other: on a cluster, two commands sent together may be executed in either order.
        const [bytes] = await reader.read([key])
        await written
        if (seen?.includes(key)) assert.ok(bytes, `round ${round}: announced before it was there`)
        assert.ok((await log(reader, bench, position))?.includes(key))
      }
    },
  ),

  conformanceCase(
    'the position of a bus is that of the last announcement that it delivered',
    ['log'],
    async (bench) => {
      const { store } = await bench.openStore()
      const listener = await bench.openBus()
      await store.apply([], Buffer.from('delivered'))
      await bench.until('the announcement is delivered', () => listener.messages.length === 1)
      const position = listener.bus.position()
      await store.apply([], Buffer.from('next'))
      assert.deepEqual(await log(store, bench, position), ['next'])
    },
  ),
]

/** A store, and a position of the bus before all announcements of the case. */
async function opened(bench: Bench): Promise<{ store: RemoteStore; position: string }> {
  const { store } = await bench.openStore()
  const { bus } = await bench.openBus()
  const position = bus.position()
  assert.ok(position !== undefined, 'expected a bus over a log to have a position once it is heard')
  return { store, position }
}

async function log(store: RemoteStore, bench: Bench, since: string | undefined): Promise<string[] | undefined> {
  const { log: announcements } = await store.ensureTokens([bench.label('any')], [newToken()], keepMs, since)
  return announcements && texts(announcements)
}

function texts(announcements: readonly Bytes[] | undefined): string[] {
  return (announcements ?? []).map((bytes) => Buffer.from(bytes).toString('latin1'))
}
