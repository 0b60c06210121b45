// The store on Redis with replies that Redis never sends: it resolves as its port promises or rejects with a code.
import assert from 'node:assert'
import { CacheError } from 'tiercache'
import { FakeClock, settle } from 'tiercache/testing'
import { test } from 'vitest'
import { newStamp } from '../../src/codec/envelope/stamp.js'
import type { EnsuredTokens, RemoteStore } from '../../src/model/ports.js'
import { lentClient } from '../../src/redis/client/client-source.js'
import { isLaterId, toEntries, toReadEntries } from '../../src/redis/server/replies.js'
import { RedisStore } from '../../src/redis/store/redis-store.js'
import { SEED } from '../support/seed.js'
import { FakeClient } from '../unit/redis/fake-client.js'
import { drawsOf } from './hostile-payload.js'
import { hostileEntries, hostileReply } from './hostile-reply.js'

const INPUTS = Number(process.env.FUZZ_INPUTS ?? 10_000)
const TIMEOUT_MS = 60_000 + INPUTS

const STAMP = newStamp('live')
const TOKEN = '00112233445566778899aabbccddeeff'

const isBytes = (value: unknown) => value instanceof Uint8Array
const isToken = (value: unknown) => typeof value === 'string' && /^[0-9a-f]{32}$/.test(value)
const isVerdict = (value: unknown) => value === undefined || value === 'refused'
const areAll = (list: readonly unknown[], length: number, each: (value: unknown) => boolean) =>
  Array.isArray(list) && list.length === length && list.every(each)

/** A call of each method of the port, the number of elements in its replies, and a check of the result against the promise of the port. */
const CALLS: readonly {
  readonly length: number
  ask(store: RemoteStore): Promise<unknown>
  isPromised(answer: never): boolean
}[] = [
  {
    length: 2,
    ask: (store) => store.read(['a', 'b']),
    isPromised: (read: unknown[]) => areAll(read, 2, (value) => value === undefined || isBytes(value)),
  },
  { length: 1, ask: (store) => store.claim('a', STAMP, 1000), isPromised: isBytes },
  { length: 1, ask: (store) => store.swap('a', STAMP, STAMP, 1000), isPromised: isVerdict },
  { length: 1, ask: (store) => store.swap('a', STAMP, undefined, 1000), isPromised: isVerdict },
  { length: 1, ask: (store) => store.extend('a', STAMP, 1000), isPromised: isVerdict },
  {
    length: 2,
    ask: (store) => store.apply([{ op: 'put', key: 'a', bytes: STAMP, keepMs: 1000 }], Buffer.from('{}')),
    isPromised: (results: unknown[]) => areAll(results, 1, (value) => value === undefined || value instanceof Error),
  },
  {
    length: 2,
    ask: (store) => store.apply([{ op: 'delete', key: 'a' }], undefined),
    isPromised: (results: unknown[]) => areAll(results, 1, (value) => value === undefined || value instanceof Error),
  },
  {
    length: 2,
    ask: (store) => store.readTokens(['t:a', 't:b']),
    isPromised: (tokens: unknown[]) => areAll(tokens, 2, (value) => value === undefined || isToken(value)),
  },
  {
    length: 3,
    ask: (store) => store.ensureTokens(['t:a', 't:b'], [TOKEN, TOKEN], 1000, '5-0'),
    isPromised: ({ tokens, log, holdEndedAgoMs }: EnsuredTokens) =>
      areAll(tokens, 2, (value) => value === undefined || isToken(value)) &&
      (log === undefined || areAll(log, log.length, isBytes)) &&
      (holdEndedAgoMs === undefined || Number.isSafeInteger(holdEndedAgoMs)),
  },
  { length: 2, ask: (store) => store.deleteByPrefix('a'), isPromised: (count: number) => Number.isSafeInteger(count) },
]

test(
  `the store resolves as its port promises or rejects with a CacheError, for ${INPUTS} hostile replies of seed ${SEED}`,
  async () => {
    const client = new FakeClient()
    const draw = drawsOf(SEED)
    let length = 0
    for (const command of ['mget', 'getex', 'evalsha', 'eval', 'xadd', 'scan'])
      client.answers.set(command, () => hostileReply(draw, length))
    client.answers.set('ping', () => Buffer.from('PONG'))
    const clock = new FakeClock()
    const store = new RedisStore({
      name: 'shop',
      clock,
      source: lentClient(client as never),
      log: 'stream',
      silenceMs: 1_000,
    })
    store.start({ ready: () => {}, unready: () => {}, notice: () => {} })
    await settle()
    assert(store.isReady())
    let resolved = 0
    for (let i = 0; i < INPUTS; i++) {
      const call = CALLS[i % CALLS.length] as (typeof CALLS)[number]
      length = call.length
      client.sent.length = 0
      try {
        const answer = await call.ask(store)
        assert(call.isPromised(answer as never), `input ${i} of seed ${SEED} came out as ${JSON.stringify(answer)}`)
        resolved++
      } catch (error) {
        if (error instanceof CacheError) continue
        throw new Error(`input ${i} of seed ${SEED}`, { cause: error })
      }
    }
    // Otherwise only the outermost check was tested.
    assert(resolved > INPUTS / 50, `only ${resolved} were taken`)
    await store.close()
  },
  TIMEOUT_MS,
)

test(
  `the entries of a stream are read or refused with a CacheError, in ${INPUTS} hostile replies of seed ${SEED}`,
  () => {
    const draw = drawsOf(SEED + 1)
    let read = 0
    for (let i = 0; i < INPUTS; i++) {
      const reply = hostileEntries(draw)
      try {
        for (const { id, bytes } of i % 2 === 0 ? toEntries(reply) : toReadEntries([['stream', reply]])) {
          assert.match(id, /^\d+-\d+$/)
          assert(typeof isLaterId(id, '5-0') === 'boolean' && (bytes === undefined || isBytes(bytes)))
          read++
        }
      } catch (error) {
        if (!(error instanceof CacheError)) throw new Error(`input ${i} of seed ${SEED}`, { cause: error })
      }
    }
    assert(read > INPUTS / 2, `only ${read} entries`)
  },
  TIMEOUT_MS,
)
