// The hooks by which the plugin for Fastify sees each request.
import type { HttpCache } from '../../exchange/http-cache.js'
import type { Recording } from '../../exchange/recording.js'
import type { Fields } from '../../rules/fields.js'
import type { RoutePolicy } from '../../storage/policy.js'
import { recordBody, recordForNobody } from '../common/recorded-body.js'
import { readInScope, type Scope, whenOver, whenRead } from '../common/request-scope.js'
import { holdUntilSettled } from '../node/held-response.js'
import { replaceHeaders, requestOf } from '../node/messages.js'
import { runInBackground, takeRun } from './background-run.js'
import {
  type FastifyReply,
  type FastifyRequest,
  givenOf,
  replaceReply,
  replyHeaders,
  sendReply,
  setReplyHeaders,
} from './messages.js'
import { cacheConfigOf, type RouteRole, roleOf } from './options.js'

/** A response that is recorded. */
interface Running {
  readonly recording: Recording
  readonly audience: 'client' | 'nobody'
  /** The headers that were there before the handler ran. */
  readonly outer: Fields
}

export class FastifyHooks<Request extends FastifyRequest> {
  readonly #http: HttpCache<Request>
  readonly #routes: 'all' | 'configured'
  /** By `config.cache` of a route. */
  readonly #roles = new WeakMap<object, RouteRole<Request>>()
  readonly #running = new WeakMap<object, Running>()
  /** The scopes of requests that have no payload yet. */
  readonly #scopes = new WeakMap<object, Scope>()

  constructor(http: HttpCache<Request>, routes: 'all' | 'configured') {
    this.#http = http
    this.#routes = routes
  }

  /** Throws for a wrong `config.cache` when the route is declared. */
  readonly onRoute = ({ config }: { readonly config?: object }): void => {
    this.#roleOf(config ?? {})
  }

  readonly preHandler = async (request: Request, reply: FastifyReply): Promise<unknown> => {
    const role = this.#roleOf(request.routeOptions.config)
    switch (role.kind) {
      case 'none':
        return undefined
      case 'mutates': {
        const { mutation, isNew } = this.#http.mutation(requestOf(request.raw, request))
        mutation.add(role.tags, role.options)
        if (isNew) holdUntilSettled(reply.raw, (head) => mutation.settle(head))
        return undefined
      }
      case 'serves':
        return this.#serve(request, reply, role.policy)
    }
  }

  /** What follows, up to the handler, runs in the request scope. It ends when the payload is read and the response is over. */
  readonly enterScope = (request: Request, reply: FastifyReply, done: () => void): void => {
    const scope = this.#roleOf(request.routeOptions.config).kind === 'none' ? undefined : this.#http.openScope()
    if (scope === undefined) {
      done()
      return
    }
    this.#scopes.set(request, scope)
    const recording = this.#running.get(request)?.recording
    // A handler whose client has left may go on for others who wait: then its payload ends the scope.
    whenOver(reply.raw, () => {
      const isSent = !this.#scopes.has(request) || reply.sent
      if (isSent && recording?.isRecording !== true) scope.end()
    })
    scope.run(done)
  }

  /** The payload that is sent ends the scope. One that fails comes again, as an error. */
  #leaveScope(request: Request, reply: FastifyReply, payload: unknown): void {
    const scope = this.#scopes.get(request)
    if (scope === undefined) return
    this.#scopes.delete(request)
    readInScope(scope, payload)
    whenRead(payload, () => whenOver(reply.raw, () => scope.end()))
  }

  readonly onSend = async (request: Request, reply: FastifyReply, payload: unknown): Promise<unknown> => {
    this.#leaveScope(request, reply, payload)
    const running = this.#running.get(request)
    if (running === undefined) return payload
    // Once: a payload that fails comes again, as an error.
    this.#running.delete(request)
    const { recording, audience, outer } = running
    const given = givenOf(reply, payload, outer)
    if (given === undefined) {
      recording.refuse('route')
      return payload
    }
    if (audience === 'client') return replaceReply(reply, recordBody(recording, given.head, given.body), outer)
    await recordForNobody(recording, given.head, given.body)
    return ''
  }

  /** The handler has written the response itself. */
  readonly onResponse = async (request: Request): Promise<void> => {
    this.#running.get(request)?.recording.refuse('route')
  }

  #roleOf(config: object): RouteRole<Request> {
    const cache = cacheConfigOf<Request>(config)
    if (typeof cache !== 'object' || cache === null) return roleOf(this.#http, cache, this.#routes)
    const known = this.#roles.get(cache) ?? roleOf(this.#http, cache, this.#routes)
    this.#roles.set(cache, known)
    return known
  }

  async #serve(request: Request, reply: FastifyReply, policy: RoutePolicy<Request> | undefined): Promise<unknown> {
    const inBackground = takeRun(this.#http, request)
    if (inBackground !== undefined) return this.#record(inBackground, 'nobody', request, reply)
    const exchange = await this.#http.begin(requestOf(request.raw, request), policy)
    switch (exchange.kind) {
      case 'pass':
        return void setReplyHeaders(reply, exchange.headers)
      case 'serve':
        return sendReply(request.raw.method ?? 'GET', reply, exchange.response)
      case 'mutate': {
        const { mutation, headers } = exchange
        setReplyHeaders(reply, headers)
        return holdUntilSettled(reply.raw, (head) => mutation.settle(head))
      }
      case 'record': {
        const { recording, conditions, first } = exchange
        if (first === undefined) {
          replaceHeaders(request.raw, conditions)
          return this.#record(recording, 'client', request, reply)
        }
        runInBackground(this.#http, request, conditions, recording)
        return sendReply('GET', reply, first)
      }
    }
  }

  #record(recording: Recording, audience: Running['audience'], request: Request, reply: FastifyReply): void {
    this.#running.set(request, { recording, audience, outer: replyHeaders(reply) })
    const { hijack } = reply
    reply.hijack = () => {
      recording.refuse('route')
      return hijack.call(reply)
    }
  }
}
