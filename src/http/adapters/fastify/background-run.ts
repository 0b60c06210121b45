// Runs a handler of Fastify in the background: a second request passes through the application by `inject`, whose response goes nowhere.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { HttpCache } from '../../exchange/http-cache.js'
import type { Recording } from '../../exchange/recording.js'
import type { Fields } from '../../rules/fields.js'
import { markBackground, takeBackground } from '../common/background.js'
import type { FastifyRequest } from './messages.js'

type Inject = (request: {
  readonly method: 'GET'
  readonly url: string
  readonly headers: Record<string, unknown>
  readonly remoteAddress: string | undefined
}) => Promise<unknown>

/** `inject` makes a request of its own, which nothing but its call is known of. */
const currentRun = new AsyncLocalStorage<{ readonly url: string }>()

/** Begins the run. Errors of the handler go to the error handler of the application, as those of all requests. */
export function runInBackground<Request extends FastifyRequest>(
  http: HttpCache<Request>,
  request: Request,
  conditions: Fields,
  recording: Recording,
): void {
  const { originalUrl: url, raw, server } = request
  const headers = withoutAbsent({ ...raw.headers, ...conditions })
  const run = { url }
  markBackground(http, run, { of: request, data: recording })
  const inject = (server.inject as Inject).bind(server)
  // It begins when it is awaited.
  const running = currentRun.run(run, async () => {
    await inject({ method: 'GET', url, headers, remoteAddress: raw.socket.remoteAddress })
  })
  // Without effect on what is recorded. A run that did not come to the cache, or failed, ends here.
  const over = () => void recording.broken()
  running.then(over, over)
}

/** The recording of a run in the background that comes to the cache now. */
export function takeRun<Request extends FastifyRequest>(
  http: HttpCache<Request>,
  request: Request,
): Recording | undefined {
  const run = currentRun.getStore()
  // A handler may inject other requests.
  return run?.url === request.originalUrl ? takeBackground(http, run, request) : undefined
}

function withoutAbsent(headers: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined))
}
