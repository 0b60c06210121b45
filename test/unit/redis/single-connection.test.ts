import { describe, expect, test } from 'vitest'
import { SingleConnection } from '../../../src/redis/connection/single-connection.js'
import { SlotOwners } from '../../../src/redis/connection/slot-owners.js'
import { FakeClock, settle } from '../../../src/testing/index.js'
import { FakeClient } from './fake-client.js'

function connect(client = new FakeClient()) {
  const clock = new FakeClock()
  const told: string[] = []
  const connection = new SingleConnection(
    client,
    { clock, silenceMs: 1_000, inheritance: { serverId: undefined, owners: new SlotOwners() } },
    {
      ready: (server) => told.push(`ready ${server}`),
      unready: (reason) => told.push(`unready: ${reason.message}`),
      notice: () => {},
      unusable: ({ notice }) => told.push(notice),
      timed: ({ serverMs }) => told.push(`time ${serverMs}`),
    },
  )
  connection.start()
  return { client, clock, told, connection }
}

describe('a connection to one server', () => {
  test('is used only after the server has been identified', async () => {
    const { client, told, connection } = connect()
    expect(connection.isReady()).toBe(false)
    await expect(connection.send('k', 'get', ['k'])).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    await settle()
    expect(told).toEqual(['time 1000000', 'ready same'])
    expect(connection.isReady()).toBe(true)
    expect(client.names()).not.toContain('get')
    connection.stop()
  })

  test('reports after a reconnect whether the server is the same as before', async () => {
    const { client, told, connection } = connect()
    await settle()
    client.become('close')
    expect(connection.isReady()).toBe(false)
    client.become('ready')
    await settle()
    client.become('close')
    client.info = client.info.replace('one', 'two')
    client.become('ready')
    await settle()
    expect(told.filter((line) => !line.startsWith('time'))).toEqual([
      'ready same',
      'unready: Redis could not be reached: the connection is close',
      'ready same',
      'unready: Redis could not be reached: the connection is close',
      'ready other',
    ])
    connection.stop()
  })

  test('rejects commands in flight when the link drops, whatever the client does with them', async () => {
    const { client, connection } = connect()
    await settle()
    const reply = connection.send('k', 'get', ['k'])
    client.become('close')
    await expect(reply).rejects.toMatchObject({ code: 'L2_UNAVAILABLE' })
    connection.stop()
  })

  test('identifies the server again when a write was refused as read-only, and waits until it takes writes', async () => {
    const { client, clock, told, connection } = connect()
    await settle()
    const reply = connection.send('k', 'set', ['k', 'v'])
    client.info = client.info.replace('role:master', 'role:slave')
    client.sent.at(-1)?.reject(new Error("READONLY You can't write against a read only replica."))
    await expect(reply).rejects.toThrow('READONLY')
    await settle()
    expect(connection.isReady()).toBe(false)
    expect(told.at(-1)).toContain('this server is a replica')
    client.info = client.info.replace('role:slave', 'role:master').replace('replid:x', 'replid:y')
    await clock.advance(500)
    expect(told.at(-1)).toBe('ready other')
    connection.stop()
  })

  test('names the last error of the client as the reason', async () => {
    const { client, told, connection } = connect()
    await settle()
    client.emit('error', new Error('WRONGPASS invalid username-password pair'))
    client.become('close')
    expect(told.at(-1)).toContain('WRONGPASS')
    await expect(connection.send('k', 'get', ['k'])).rejects.toMatchObject({ code: 'L2_AUTH_FAILED' })
    connection.stop()
  })

  test('a node of a cluster is refused with what to pass instead, and without the command', async () => {
    const { client, connection } = connect()
    await settle()
    const reply = connection.send('k', 'get', ['k'])
    client.sent.at(-1)?.reject(Object.assign(new Error('MOVED 3999 127.0.0.1:6381'), { command: { args: ['k'] } }))
    const error = await reply.catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'L2_MISCONFIGURED', message: expect.stringContaining('pass new Cluster(') })
    expect((error as Error).cause).not.toHaveProperty('command')
    connection.stop()
  })

  test('asks the server for its time once a minute', async () => {
    const { client, clock, connection } = connect()
    await settle()
    const before = client.names().filter((name) => name === 'time').length
    await clock.advance(120_000)
    expect(client.names().filter((name) => name === 'time')).toHaveLength(before + 2)
    connection.stop()
  })

  test('connects a client with lazyConnect', async () => {
    const client = new FakeClient()
    client.status = 'wait'
    const { connection } = connect(client)
    await settle()
    expect(connection.isReady()).toBe(true)
    connection.stop()
  })

  test('leaves no listener and no timer behind, and does not change the client', async () => {
    const { client, clock, connection } = connect()
    await settle()
    const reply = connection.send('k', 'get', ['k'])
    connection.stop()
    await expect(reply).rejects.toThrow('closed')
    expect(client.eventNames()).toEqual([])
    expect(clock.pendingTimers).toBe(0)
    expect(client.disconnects).toBe(0)
  })

  test('sends the commands of one tick, continuations included, in one write', async () => {
    const { client, connection } = connect()
    await settle()
    client.stream.log.length = 0
    client.answers.set('get', () => null)
    for (let i = 0; i < 3; i++) void connection.send('k', 'get', ['k'])
    void Promise.resolve().then(() => connection.send('k', 'get', ['k']))
    expect(client.stream.log).toEqual(['cork'])
    await settle()
    expect(client.stream.log).toEqual(['cork', 'uncork'])
    expect(client.names().filter((name) => name === 'get')).toHaveLength(4)
    connection.stop()
  })
})
