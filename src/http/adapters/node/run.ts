// What an adapter for responses of Node does with each exchange. Express, Koa, Fastify and NestJS write to one, too.
import type { ServerResponse } from 'node:http'
import type { HttpCache } from '../../exchange/http-cache.js'
import type { Fields } from '../../rules/fields.js'
import type { RoutePolicy } from '../../storage/policy.js'
import { recordInBackground } from './background-response.js'
import { holdUntilSettled } from './held-response.js'
import { type NodeRequest, replaceHeaders, requestOf, send, setHeaders } from './messages.js'
import { RecordedResponse } from './recorded-response.js'

/** What a request of Node comes to. */
export interface NodeExchange {
  /** Whether the handler is to run. If not, the response is sent. */
  readonly runs: boolean
  /** Tells that the handler has failed without a response. Returns whether a stale one was sent instead. */
  fail(): boolean
}

const SERVED: NodeExchange = { runs: false, fail: () => false }
const PASSED: NodeExchange = { runs: true, fail: () => false }

/**
 * Serves a request from the cache, or prepares its response so that what the handler writes is recorded, held back, or passed on. The handler
 * has to run if `runs` says so. `raw` is the request that the functions among the options get. Rejects with what they throw.
 */
export function beginNode<Req extends object>(
  http: HttpCache<Req>,
  policy: RoutePolicy<Req> | undefined,
  request: NodeRequest,
  response: ServerResponse,
  raw: Req,
): NodeExchange | Promise<NodeExchange> {
  const exchange = http.begin(requestOf(request, raw), policy)
  if (!(exchange instanceof Promise) && exchange.kind === 'pass') return pass(response, exchange.headers)
  return proceed(exchange, request, response)
}

async function proceed<Req extends object>(
  begun: ReturnType<HttpCache<Req>['begin']>,
  request: NodeRequest,
  response: ServerResponse,
): Promise<NodeExchange> {
  const exchange = await begun
  switch (exchange.kind) {
    case 'pass':
      return pass(response, exchange.headers)
    case 'serve':
      send(response, exchange.response)
      return SERVED
    case 'mutate': {
      const { mutation, headers } = exchange
      setHeaders(response, headers)
      holdUntilSettled(response, (head) => mutation.settle(head))
      return PASSED
    }
    case 'record': {
      const { recording, conditions, first } = exchange
      replaceHeaders(request, conditions)
      if (first === undefined) {
        const recorded = new RecordedResponse(response, recording)
        return { runs: true, fail: () => recorded.fail() }
      }
      const outer = response.getHeaders()
      const isOver = over(response)
      send(response, first)
      await isOver
      recordInBackground(request, response, outer, recording)
      return { runs: true, fail: () => true }
    }
  }
}

function pass(response: ServerResponse, headers: Fields): NodeExchange {
  setHeaders(response, headers)
  return PASSED
}

/** Resolves when a response is sent or its client has left. Middleware around the cache may send it later than `end` is called. */
function over(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ['finish', 'close']) response.once(event, () => resolve())
  })
}
