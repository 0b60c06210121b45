// `tiercache doctor`: looks for what makes a cache on this Redis slow, deaf or useless, and says what to change.
import { performance } from 'node:perf_hooks'
import type { Redis } from 'ioredis'
import { CacheError } from '../../index.js'
import { checkBus, checkExpiries, countListeners, readBus } from '../checks/data-checks.js'
import { type Finding, found, type Level } from '../checks/finding.js'
import { isRefused, readInfo } from '../checks/info.js'
import { type Ask, checkRights, dryRunAsk, probingAsk } from '../checks/rights.js'
import { checkClock, checkInfo, checkLatency } from '../checks/server-checks.js'
import { addressOf, mastersOf } from '../connection/client.js'
import { notReady, prepareSession, type Session, whenReady } from '../connection/session.js'
import type { ExitCode } from '../output/failure.js'
import { table } from '../output/table.js'
import { safeText } from '../output/text.js'
import type { Call, Command } from './command.js'
import { serverTimeMs } from './server-time.js'

export const doctor: Command = {
  name: 'doctor',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary:
    'checks the server, the rights, the memory policy, the clock, the latency and the keys, and says what to change',
  details: 'It writes nothing. Exit code 1 if something is wrong; a warning or a note does not count.',
  options: {
    user: {
      type: 'string',
      argument: '<user>',
      help: 'whose rights are checked (with ACL DRYRUN); default: the user of --url',
    },
  },
  run: async (call) => {
    const session = await prepareSession(call.settings, 'read')
    try {
      return report(call, session, await examine(session, call.text('user')))
    } finally {
      await session.close()
    }
  },
}

/** Everything that is found about the set-up. `user`: whose rights are checked; default: the user of the session. */
export async function examine(session: Session, user?: string): Promise<readonly Finding[]> {
  const use = await checkUse(session)
  // A cluster that is none can be asked nothing.
  if (session.settings.isCluster && session.client.status !== 'ready') return [use]
  const perServer: Finding[] = []
  for (const server of mastersOf(session.client)) perServer.push(...(await examineServer(session, server, user)))
  const nowMs = await orRefused(() => serverTimeMs(session.client))
  return [
    use,
    ...perServer,
    ...(await checked('bus', async () => checkBus(await readBus(session), session.root.path, nowMs ?? Date.now()))),
    ...(await checked('bus', async () => listenersText(await countListeners(session)))),
    ...(await checked('expiry', () => checkExpiries(session))),
  ]
}

/** Whether the SDK itself can use this Redis. If the server cannot be reached at all, nothing else can be checked. */
async function checkUse(session: Session): Promise<Finding> {
  try {
    await whenReady(session)
    return found('ok', 'connection', 'the cache can use this Redis')
  } catch (error) {
    const isRefusal = error instanceof CacheError && (error.code === 'L2_MISCONFIGURED' || error.code === 'L2_REPLICA')
    if (!isRefusal) throw notReady(error)
    return found('wrong', 'connection', `the cache cannot use this Redis: ${safeText(error.message)}`)
  }
}

const ROUND_TRIPS = 100

async function examineServer(session: Session, server: Redis, user: string | undefined): Promise<readonly Finding[]> {
  const { root, settings } = session
  const { isCluster } = settings
  const info = await readInfo(server)
  const findings = [
    ...(info === undefined
      ? [found('note', 'server', 'this user may not run INFO, so version and memory are unknown')]
      : checkInfo(info, isCluster)),
    ...(await checked('clock', async () => checkClock(await clockDifference(server)))),
    ...(await checked('latency', async () => checkLatency(await roundTrips(server, ROUND_TRIPS)))),
    ...(await checkRights(root.path, isCluster, await askOf(session, server, user))),
  ]
  return isCluster
    ? findings.map((finding) => ({ ...finding, about: `${addressOf(server)} ${finding.about}` }))
    : findings
}

/** With `ACL DRYRUN` where that is possible: else by sending commands that change nothing. */
async function askOf({ send, settings: { keyPrefix } }: Session, server: Redis, other?: string): Promise<Ask> {
  try {
    return await dryRunAsk(send, server, other ?? String(await server.call('ACL', 'WHOAMI')), keyPrefix)
  } catch (error) {
    // Only ACL DRYRUN knows the rights of another user.
    if (other !== undefined) throw error
    return probingAsk(send, server, keyPrefix)
  }
}

async function clockDifference(server: Redis): Promise<number> {
  const sentAtMs = Date.now()
  const serverMs = await serverTimeMs(server)
  return Math.round(serverMs - (sentAtMs + Date.now()) / 2)
}

/** TIME rather than PING: the SDK itself sends it, so its user may. */
async function roundTrips(server: Redis, count: number): Promise<readonly number[]> {
  const times: number[] = []
  for (let i = 0; i < count; i++) {
    const sentAtMs = performance.now()
    await server.call('TIME')
    times.push(performance.now() - sentAtMs)
  }
  return times
}

function listenersText(count: number | undefined): Finding {
  if (count === undefined)
    return found('note', 'bus', 'this user may not run CLIENT LIST, so the listening processes are not counted')
  return found('note', 'bus', `${count} listening ${count === 1 ? 'connection' : 'connections'} now`)
}

/** What the check finds, or that the server refused what it sends. */
async function checked(about: string, check: () => Promise<Finding>): Promise<readonly Finding[]> {
  try {
    const finding = await orRefused(check)
    return [finding ?? found('note', about, 'not checked: this user may not run the commands that it needs')]
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ReplyError')) throw error
    return [found('wrong', about, `the server refused what the check sends: ${safeText(error.message)}`)]
  }
}

async function orRefused<T>(work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (isRefused(error)) return undefined
    throw error
  }
}

function report(call: Call, { root }: Session, findings: readonly Finding[]): ExitCode {
  const isHealthy = findings.every(({ level }) => level !== 'wrong')
  const rows = findings.flatMap(({ level, about, text, fix }) => {
    const row = [coloured(call, level), about, text]
    return fix === undefined ? [row] : [row, [' '.repeat(LONGEST_LEVEL), '', `→ ${fix}`]]
  })
  const verdict = isHealthy ? `${root.path} is healthy.` : `${root.path}: something is wrong, see above.`
  call.write(`${table(rows)}\n\n${verdict}`, { scope: root.path, healthy: isHealthy, findings })
  return isHealthy ? 0 : 1
}

const LONGEST_LEVEL = 'warning'.length
const COLOURS: Readonly<Record<Level, string>> = { ok: '32', note: '36', warning: '33', wrong: '31' }

/** All levels have the same width, since a colour counts as characters. */
function coloured(call: Call, level: Level): string {
  const text = level.padEnd(LONGEST_LEVEL)
  return call.program.hasColours ? `\u001b[${COLOURS[level]}m${text}\u001b[0m` : text
}
