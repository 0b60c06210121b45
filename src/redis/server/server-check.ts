// Which server is connected: asked after each connect, before any other command is sent.
import { randomUUID } from 'node:crypto'
import type { Clock } from '../../model/ports.js'
import { faultOf } from '../client/classify-error.js'
import { type RedisNode, send } from '../client/client.js'
import { listOf } from './replies.js'
import { ALL_SCRIPTS } from './scripts.js'
import { inTransaction, looksQueued } from './unusable.js'

/** What a server says about itself. */
export interface Server {
  /** Changes with another process, and when the same process is promoted to master. In both cases the last writes may be lost. */
  readonly id: string
  readonly role: 'master' | 'readOnlyReplica'
  readonly time: TimeSample | undefined
}

/** One sample of the server's clock. */
export interface TimeSample {
  readonly serverMs: number
  readonly sentAtMs: number
  readonly receivedAtMs: number
}

/** Asks one server and loads our scripts into it, in one round trip. Rejects if the server cannot be used now. */
export async function checkServer(node: RedisNode, clock: Clock): Promise<Server> {
  const scripts = ALL_SCRIPTS.map(({ body }) => send(node, 'script', ['LOAD', body]))
  const [info, time] = await Promise.all([askInfo(node), askTime(node, clock), Promise.allSettled(scripts)])
  return { ...parseInfo(info), time }
}

/** Only asks which server it is, for a connection that needs neither scripts nor the time. */
export async function identifyServer(node: RedisNode): Promise<Pick<Server, 'id' | 'role'>> {
  return parseInfo(await askInfo(node))
}

export async function askTime(node: RedisNode, clock: Clock): Promise<TimeSample> {
  const sentAtMs = clock.nowMs()
  const reply = await send(node, 'time', [])
  if (looksQueued(reply)) throw inTransaction()
  const [seconds, microseconds] = listOf(reply, 2, 'TIME')
  const serverMs = Number(String(seconds)) * 1_000 + Number(String(microseconds)) / 1_000
  return { serverMs, sentAtMs, receivedAtMs: clock.nowMs() }
}

/** A client without permission for INFO can be used nevertheless. Its server then counts as another one after each connect. */
async function askInfo(node: RedisNode): Promise<string> {
  try {
    const replies = [await send(node, 'info', ['server']), await send(node, 'info', ['replication'])]
    if (replies.some(looksQueued)) throw inTransaction()
    return replies.join('')
  } catch (error) {
    if (faultOf(error) === 'misconfigured' && /NOPERM|unknown command/i.test(String(error))) return ''
    throw error
  }
}

/** Pure. The run id identifies the process; the replication id changes when the same process is promoted. */
export function parseInfo(info: string): Pick<Server, 'id' | 'role'> {
  const field = (name: string): string | undefined => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1]
  const runId = field('run_id')
  const isReplica = field('role') === 'slave' && field('slave_read_only') !== '0'
  return {
    id: runId === undefined ? randomUUID() : `${runId}/${field('master_replid') ?? ''}`,
    role: isReplica ? 'readOnlyReplica' : 'master',
  }
}
