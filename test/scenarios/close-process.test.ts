// close() in a process of its own: whatever is the matter with Redis, it ends in time and nothing keeps the process alive. PEERS 31.
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Child, startChild } from '../support/child.js'
import { type RedisServer, startRedis } from '../support/redis-server.js'

let server: RedisServer
let child: Child | undefined

beforeEach(async () => {
  server = await startRedis()
})

afterEach(async () => {
  await child?.kill()
  await server.stop()
})

interface Said {
  readonly closed?: { readonly lost: number }
  readonly hung?: string
  readonly late?: string
  readonly after?: string
  readonly tookMs?: number
}

/** Runs the program, with `trouble` from when its cache works, and answers everything that it said. */
async function run(trouble: 'none' | 'hung' | 'killed'): Promise<Said> {
  const program = new URL('./programs/closes.ts', import.meta.url)
  const own = startChild(program, { args: [server.url, trouble] })
  child = own
  await own.next<{ ready?: true }>(({ ready }) => ready === true)
  if (trouble === 'hung') server.pause()
  if (trouble === 'killed') await server.kill()
  if (trouble !== 'none') own.send({ go: true })
  const ended = await Promise.race([
    own.exit,
    new Promise((resolve) => setTimeout(() => resolve('still alive'), 20_000)),
  ])
  expect({ ended, stderr: own.stderr, stdout: own.stdout }).toEqual({
    ended: { code: 0, signal: null },
    stderr: '',
    stdout: '',
  })
  return Object.assign({}, ...(own.messages as Said[]))
}

describe('a process whose cache was closed ends by itself, without a word on the console,', () => {
  test.each([
    ['none', 'while Redis works', 0],
    ['hung', 'while Redis hangs', 5],
    ['killed', 'while Redis is down', 5],
  ] as const)('%s: %s', async (trouble, _, lost) => {
    const said = await run(trouble)
    expect(said).toMatchObject({ closed: { lost }, hung: 'CLOSED', late: 'CLOSED', after: 'CLOSED' })
    // closeTimeout is 2 s: more than that and what a slow machine adds is a hang.
    expect(said.tookMs).toBeLessThan(5_000)
  })
})
