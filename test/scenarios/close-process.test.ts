// close() in a separate process: it ends in time whatever the state of Redis, and nothing keeps the process alive.
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
}

/** Runs the program, with `trouble` once its cache works, and returns everything that it printed. */
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
  expect({ ended, stdout: own.stdout }).toEqual({ ended: { code: 0, signal: null }, stdout: '' })
  const warnings = own.stderr.split('\n').filter((line) => line !== '' && !line.startsWith('(Use `node'))
  for (const line of warnings) expect(line).toMatch(/^\(node:\d+\) \[[A-Z0-9_]+\] TiercacheWarning: /)
  const codes = warnings.map((line) => /\[([A-Z0-9_]+)\]/.exec(line)?.[1])
  expect(new Set(codes).size, own.stderr).toBe(codes.length)
  if (trouble !== 'none') expect(codes.length, own.stderr).toBeGreaterThan(0)
  return Object.assign({}, ...(own.messages as Said[]))
}

describe('a process that closed its cache ends by itself, prints one warning for each kind of trouble, and nothing else,', () => {
  test.each([
    ['none', 'while Redis works', 0],
    ['hung', 'while Redis hangs', 5],
    ['killed', 'while Redis is down', 5],
  ] as const)('%s: %s', async (trouble, _, lost) => {
    const said = await run(trouble)
    expect(said).toMatchObject({ closed: { lost }, hung: 'CLOSED', late: 'CLOSED', after: 'CLOSED' })
  })
})
