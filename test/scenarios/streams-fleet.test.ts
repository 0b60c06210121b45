// Streams in four real processes: one source for all, and what becomes of them when the process with the source is killed.
import type { Duration } from 'tiercache'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Child, startChild } from '../support/child.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'
import type { StreamRequest } from './stream-request.js'

interface Result {
  readonly id: number
  /** What the consumers of one process got, each outcome once. */
  readonly results: readonly string[]
  readonly loads: number
}

let redis: RedisServer
let members: Child[] = []
let asked = 0

beforeAll(async () => {
  redis = await startRedis()
})
afterEach(async () => {
  await Promise.all(members.map((member) => member.kill()))
  members = []
})
afterAll(() => redis.stop())

async function start(count: number, leaseTtl: Duration = '500ms'): Promise<void> {
  const program = new URL('./programs/stream-member.ts', import.meta.url)
  members = Array.from({ length: count }, () => startChild(program, { args: [String(redis.port), String(leaseTtl)] }))
  await Promise.all(members.map((member) => member.next<{ ready?: true }>(({ ready }) => ready === true)))
}

async function consume(member: Child, request: Omit<StreamRequest, 'id'>): Promise<Result> {
  const id = ++asked
  member.send({ ...request, id })
  return member.next<Result>((message) => message.id === id)
}

function whole(parts: number): string {
  return JSON.stringify(Array.from({ length: parts }, (_, i) => ({ i, text: `part ${i}` })))
}

const isFirst = (key: string) => (message: { first?: string }) => message.first === key
const isLoading = (key: string) => (message: { loading?: string }) => message.loading === key

test('100 consumers in each of four processes get the same parts from one source', async () => {
  // Longer than a busy machine may hold up a process.
  await start(4, '10s')
  const request = { key: 'shared', consumers: 100, parts: 20, pauseMs: 20 }
  const all = await Promise.all(members.map((member) => consume(member, request)))
  expect(all.flatMap(({ results }) => results)).toEqual(Array(4).fill(whole(20)))
  expect(all.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
})

test('the process with the source is killed after the first part: all readers fail alike, and nothing of it is served again', async () => {
  await start(3)
  const [leader, ...others] = members as [Child, Child, Child]
  const key = 'killed in the middle'
  const request = { key, consumers: 10, parts: 1_000, pauseMs: 20 }
  void consume(leader, request).catch(() => undefined)
  await leader.next(isLoading(key))
  const followed = others.map((member) => consume(member, request))
  await Promise.all(others.map((member) => member.next(isFirst(key))))
  await leader.kill()
  for (const { results, loads } of await Promise.all(followed)) {
    expect(results).toEqual(['STREAM_BROKEN'])
    expect(loads).toBe(0)
  }
  const anew = await Promise.all(others.map((member) => consume(member, { ...request, parts: 5 })))
  expect(anew.flatMap(({ results }) => results)).toEqual([whole(5), whole(5)])
  expect(anew.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
})

test('the process with the source is killed before the first part: one of the others takes over for all', async () => {
  await start(3)
  const [leader, ...others] = members as [Child, Child, Child]
  const key = 'killed at once'
  void consume(leader, { key, consumers: 10, parts: 1, pauseMs: 60_000 }).catch(() => undefined)
  await leader.next(isLoading(key))
  const followed = others.map((member) => consume(member, { key, consumers: 10, parts: 5, pauseMs: 20 }))
  await leader.kill()
  const all = await Promise.all(followed)
  expect(all.flatMap(({ results }) => results)).toEqual([whole(5), whole(5)])
  expect(all.reduce((sum, { loads }) => sum + loads, 0)).toBe(1)
})

test('a killed process leaves no key without an expiry', async () => {
  await start(2)
  const [leader, other] = members as [Child, Child]
  const key = 'expires'
  const request = { key, consumers: 1, parts: 1_000, pauseMs: 20 }
  void consume(leader, request).catch(() => undefined)
  await leader.next(isLoading(key))
  void consume(other, request).catch(() => undefined)
  await other.next(isFirst(key))
  await Promise.all([leader.kill(), other.kill()])
  const keys = ((await redis.command('KEYS', '*expires*')) as unknown[]).map(String)
  expect(keys.length).toBeGreaterThanOrEqual(3)
  for (const each of keys) expect(Number(await redis.command('PTTL', each)), each).not.toBe(-1)
})
