import { beforeEach, expect, test } from 'vitest'
import type { Argument } from '../../../src/redis/client/client.js'
import type { Connection } from '../../../src/redis/connection/connection.js'
import { deleteByPrefix } from '../../../src/redis/store/delete-by-prefix.js'
import { deferred, settle } from '../../../src/testing/index.js'

let sent: [command: string, args: Argument[]][]
/** Returns the reply to a command; a reply to SCAN is the next cursor and the keys found. */
let answer: (command: string, args: Argument[]) => unknown
let connection: Connection

beforeEach(() => {
  sent = []
  const send = async (command: string, args: Argument[]) => {
    sent.push([command, args])
    return answer(command, args)
  }
  connection = {
    ...{
      keyPrefix: '',
      order: 'one',
      mayReadReplicas: false,
      isReady: () => true,
      start: () => {},
      stop: () => {},
      waiting: 0,
    },
    send: (_key, command, args) => send(command, args),
    serverOf: () => '',
    masters: () => [{ send }, { send }],
  }
})

const context = () => ({
  connection,
  isMeant: undefined,
  remove: async (keys: readonly string[]) => Number(await connection.send('', 'remove', [...keys])),
})

const found = (...keys: string[]) => keys.map((key) => Buffer.from(key))
const names = () => sent.map(([command]) => command)

test('every step removes what it found before the next step scans on, on one master after the other', async () => {
  answer = (command, [cursor]) => {
    if (command === 'remove') return 2
    return cursor === '0' ? [Buffer.from('7'), found('a1', 'a2')] : [Buffer.from('0'), found('a3', 'a4')]
  }
  expect(await deleteByPrefix(context(), 'a')).toBe(8)
  expect(names()).toEqual(['scan', 'remove', 'scan', 'remove', 'scan', 'remove', 'scan', 'remove'])
  expect(sent[0]).toEqual(['scan', ['0', 'MATCH', 'a*', 'COUNT', 500]])
  expect(sent[1]).toEqual(['remove', ['a1', 'a2']])
})

test('an abort ends it at the next step, also if the steps find nothing', async () => {
  const controller = new AbortController()
  answer = () => {
    if (sent.length === 3) controller.abort(new Error('enough'))
    return [Buffer.from('7'), []]
  }
  await expect(deleteByPrefix(context(), 'a', controller.signal)).rejects.toThrow('enough')
  await settle()
  expect(names()).toEqual(['scan', 'scan', 'scan'])
})

test('an abort ends it while a server does not reply, and a late reply removes nothing', async () => {
  const controller = new AbortController()
  const reply = deferred<unknown>()
  answer = () => reply.promise
  const removing = deleteByPrefix(context(), 'a', controller.signal)
  await settle()
  controller.abort(new Error('enough'))
  await expect(removing).rejects.toThrow('enough')
  reply.resolve([Buffer.from('7'), found('a1')])
  await settle()
  expect(names()).toEqual(['scan'])
})

test('with an aborted signal nothing is sent', async () => {
  answer = () => [Buffer.from('0'), []]
  await expect(deleteByPrefix(context(), 'a', AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough')
  await settle()
  expect(sent).toEqual([])
})

test('it rejects with the error of a master', async () => {
  answer = () => Promise.reject(new Error('NOPERM'))
  await expect(deleteByPrefix(context(), 'a', new AbortController().signal)).rejects.toThrow('NOPERM')
})
