// Write-through on a real database: random concurrent writers and readers in several processes, over one Redis and one PostgreSQL.
// Whenever all of them are idle, cache and table agree for every id. Without the fence they differ in the first cycle.
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Child, startChild } from '../support/child.js'
import { type PostgresServer, startPostgres } from '../support/postgres.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import { sleep } from '../support/wait.js'
import type { Answer, Order } from './programs/writes-through.js'

const PROGRAM = new URL('./programs/writes-through.ts', import.meta.url)
const PROCESSES = 3
/** Each id of each cycle is a separate round: the steps on one id do not affect another. */
const IDS = 60
const CYCLES = 50
/** The longest time for which announcements are in flight after the last step. What is wrong later stays wrong for the ttl of an hour. */
const ON_THE_WAY_MS = 2_000

let redis: RedisServer
let postgres: PostgresServer
let started: Child[] = []

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
  postgres.query('CREATE TABLE rows (id int PRIMARY KEY, value text NOT NULL)')
})

afterAll(async () => {
  await Promise.all([redis.stop(), postgres.stop()])
})

// Processes of a failed test would continue to write in the next test.
afterEach(async () => {
  await Promise.all(started.map((child) => child.kill()))
})

async function startProcesses(count: number): Promise<Child[]> {
  await redis.command('FLUSHALL')
  postgres.query(`TRUNCATE rows; INSERT INTO rows SELECT id, 'first' FROM generate_series(0, ${IDS - 1}) AS id`)
  started = Array.from({ length: count }, (_, i) => {
    return startChild(PROGRAM, { args: [`process ${i}`, redis.url, postgres.url] })
  })
  await Promise.all(started.map((child) => answerOf(child, 'start')))
  return started
}

function answerOf<Did extends Answer['did']>(child: Child, did: Did): Promise<Extract<Answer, { did: Did }>> {
  return child.next<Extract<Answer, { did: Did }>>((message) => message.did === did)
}

async function ask<Did extends 'play' | 'read'>(children: readonly Child[], order: Order & { do: Did }) {
  for (const child of children) child.send(order)
  return Promise.all(children.map((child) => answerOf(child, order.do)))
}

async function end(children: readonly Child[]): Promise<void> {
  for (const child of children) child.send({ do: 'end' } satisfies Order)
  for (const child of children) expect(await child.exit).toEqual({ code: 0, signal: null })
}

function table(): Map<number, string> {
  return new Map(postgres.query('SELECT id, value FROM rows').map(([id, value]) => [Number(id), value as string]))
}

/** Where the cache of a process differs from the table. */
async function differences(children: readonly Child[]): Promise<string[]> {
  const answers = await ask(children, { do: 'read', ids: IDS })
  const truth = table()
  return answers.flatMap(({ inMemory, got }, process) => {
    return Array.from({ length: IDS }, (_, id) => {
      const row = truth.get(id) ?? null
      const isWrong = got[id] !== row || (inMemory[id] !== null && inMemory[id] !== row)
      return isWrong ? [`process ${process}, id ${id}: table ${row}, read ${got[id]}, in memory ${inMemory[id]}`] : []
    }).flat()
  })
}

async function lastingDifferences(children: readonly Child[]): Promise<string[]> {
  const giveUpAtMs = performance.now() + ON_THE_WAY_MS
  for (;;) {
    const wrong = await differences(children)
    if (wrong.length === 0 || performance.now() > giveUpAtMs) return wrong
    await sleep(20)
  }
}

test('cache and table agree for every id whenever all writers and readers are idle', async () => {
  const children = await startProcesses(PROCESSES)
  let changes = 0
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    const answers = await ask(children, { do: 'play', cycle, ids: IDS })
    changes += answers.reduce((sum, answer) => sum + answer.changes, 0)
    expect(await lastingDifferences(children), `cycle ${cycle}`).toEqual([])
  }
  // Several writers changed the same id in most rounds.
  expect(changes).toBeGreaterThan(CYCLES * IDS * PROCESSES)
  await end(children)
}, 240_000)

test('a writer that dies between its commit and its write to the cache leaves at most a miss', async () => {
  const [writer, ...readers] = (await startProcesses(PROCESSES)) as [Child, ...Child[]]
  expect(await lastingDifferences(readers)).toEqual([])
  writer.send({ do: 'setAndDie', id: 7 } satisfies Order)
  expect(await writer.exit).toMatchObject({ signal: 'SIGKILL' })
  expect(table().get(7)).toBe('written by the dead')
  // The others had the old value in memory. Before the commit they were told to forget it.
  expect(await lastingDifferences(readers)).toEqual([])
  await end(readers)
})
