// The interceptor of the module: for each request it decides whether the cache responds or the handler runs.
import type { CallHandler, ExecutionContext, NestInterceptor } from '@nestjs/common'
import { type Observable, of, tap } from 'rxjs'
import { beginNode, holdUntilSettled, requestOf, runInScope } from '../http/index.js'
import { whenBroken } from './body.js'
import type { CacheParts } from './parts.js'
import { detach, forbidStoring, gatherHeaders, type Messages, messagesOf } from './request.js'
import type { Handler, RoutePlan, Routes } from './routes.js'

type Response = Parameters<typeof messagesOf>[1]

/**
 * Serves what is cached, after the guards and before the handler, and records what Nest sends: the response as interceptors, pipes, filters and
 * serializers made it, also if the handler sends it itself (`@Res()`).
 */
export class CacheInterceptor implements NestInterceptor {
  readonly #parts: CacheParts
  readonly #routes: Routes

  /** @internal Made by the module. */
  constructor(parts: CacheParts, routes: Routes) {
    this.#parts = parts
    this.#routes = routes
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> | Promise<Observable<unknown>> {
    if (context.getType() !== 'http') return next.handle()
    const plan = this.#routes.planOf(context.getClass(), context.getHandler() as Handler)
    const platform = context.switchToHttp()
    const response = platform.getResponse<Response>()
    const messages = messagesOf(platform.getRequest(), response)
    if (plan.kind !== 'passed' && (plan.kind === 'cached' || !isRead(messages)))
      return this.#begin(plan, messages, response, next)
    this.#mutate(plan, messages)
    return this.#run(messages, next)
  }

  async #begin(
    plan: RoutePlan,
    messages: Messages,
    response: Response,
    next: CallHandler,
  ): Promise<Observable<unknown>> {
    const { raw, request, response: sent } = messages
    // What `@HttpCode()` has set. The handler may get another response, which starts anew.
    const { statusCode } = sent
    gatherHeaders(response)
    const exchange = await beginNode(this.#parts.http, plan.policy, request, sent, raw)
    if (!exchange.runs) {
      detach(response)
      return of(undefined)
    }
    sent.statusCode = statusCode
    this.#mutate(plan, messages)
    // What the handler said of its response does not hold for the one that a filter makes of an error.
    const forbid = () => forbidStoring(response)
    return this.#run(messages, next).pipe(tap({ next: (body) => whenBroken(body, forbid), error: forbid }))
  }

  /** Adds the tags of `@Invalidates` to the mutation. A route with another method than those of mutations begins one. */
  #mutate({ invalidates }: RoutePlan, { raw, request, response }: Messages): void {
    if (invalidates.length === 0) return
    const { mutation, isNew } = this.#parts.http.mutation(requestOf(request, raw))
    for (const { tags, options } of invalidates) mutation.add(tags, options)
    if (isNew) holdUntilSettled(response, (head) => mutation.settle(head))
  }

  #run({ response }: Messages, next: CallHandler): Observable<unknown> {
    const { cache, http, requestScope } = this.#parts
    // Nest binds what follows to the async context in which `handle` is called.
    if (requestScope) return cache.requestScope(() => next.handle(), { until: response })
    return runInScope(http, response, () => next.handle())
  }
}

function isRead({ request }: Messages): boolean {
  return request.method === 'GET' || request.method === 'HEAD'
}
