// `tiercache tail`: prints announcements as they come.
import { setTimeout as sleep } from 'node:timers/promises'
import { type Announced, AnnouncementReader } from '../connection/announcements.js'
import type { Session } from '../connection/session.js'
import { countOf, durationMs } from '../connection/settings.js'
import { type ExitCode, Failure } from '../output/failure.js'
import { safeText } from '../output/text.js'
import { dataOf, lineOf } from './announced-text.js'
import type { Call, Command } from './command.js'
import { serverTimeMs } from './server-time.js'

/** How long one request waits for announcements. */
const WAIT_MS = 1_000
const RETRY_MS = 250

export const tail: Command = {
  name: 'tail',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'prints each announcement (what was changed, and by which process) as it comes, one line each',
  details: 'With --json each line is a JSON object. Ctrl-C ends it. Fills of loaded values are not announced.',
  options: {
    since: {
      type: 'string',
      argument: '<duration>',
      help: 'begins with the announcements of the last 10m, for example',
    },
    count: { type: 'string', argument: '<n>', help: 'ends after n announcements' },
    for: { type: 'string', argument: '<duration>', help: 'ends after this time' },
  },
  run: async (call) => {
    const since = call.text('since')
    const limit = call.text('count')
    const duration = call.text('for')
    const plan = {
      sinceMs: since === undefined ? 0 : durationMs(since, '--since'),
      most: limit === undefined ? Number.POSITIVE_INFINITY : countOf(limit, '--count'),
      forMs: duration === undefined ? Number.POSITIVE_INFINITY : durationMs(duration, '--for'),
    }
    return call.inSession('read', (session) => follow(call, session, plan))
  },
}

interface Plan {
  readonly sinceMs: number
  readonly most: number
  readonly forMs: number
}

async function follow(call: Call, session: Session, { sinceMs, most, forMs }: Plan): Promise<ExitCode> {
  const { client, root, settings } = session
  const interruption = call.program.interruption()
  const endAtMs = Date.now() + forMs
  const nowMs = await serverTimeMs(client)
  // The waiting request would hold up the SDK's own on this connection.
  await session.closeCache()
  const reader = new AnnouncementReader(client, root.path, settings)
  let left = most
  let lastFailureAtMs: number | undefined
  // Ids are times, so everything after this id was announced later.
  let lastId = `${Math.max(0, Math.floor(nowMs - sinceMs))}-0`
  try {
    while (left > 0 && Date.now() < endAtMs && !interruption.aborted) {
      try {
        const wait = Math.min(WAIT_MS, settings.timeoutMs / 2, endAtMs - Date.now())
        const next = await orEnd(reader.after(lastId, wait), interruption)
        if (next === undefined) break
        if (lastFailureAtMs !== undefined)
          call.remark('Connected again; nothing was missed unless the stream was trimmed.')
        lastFailureAtMs = undefined
        lastId = next.lastId
        for (const announced of next.announced.slice(0, left)) print(call, announced)
        left -= next.announced.length
      } catch (error) {
        if (lastFailureAtMs === undefined) call.remark(`The connection failed: ${reasonOf(error)}. Trying again.`)
        lastFailureAtMs ??= Date.now()
        if (Date.now() - lastFailureAtMs > settings.timeoutMs) {
          throw new Failure(3, `Redis cannot be reached any more: ${reasonOf(error)}`, { cause: error })
        }
        await sleep(RETRY_MS)
      }
    }
    return 0
  } finally {
    await reader.close()
  }
}

function print(call: Call, announced: Announced): void {
  call.write(lineOf(announced), dataOf(announced))
}

/** The result, or `undefined` as soon as the operator ends the command. */
function orEnd<T>(work: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const end = (): void => resolve(undefined)
    signal.addEventListener('abort', end, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', end))
  })
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? safeText(error.message) : 'for an unknown reason'
}
