// What the decorators say of each route, resolved once.
import type { Type } from '@nestjs/common'
import type { DiscoveryService, Reflector } from '@nestjs/core'
import type { RouteOptions, RoutePolicy } from '../http/index.js'
import { CacheError } from '../index.js'
import { INVALIDATES_METADATA, type InvalidatedTags, ROUTE_METADATA } from './decorators.js'
import type { CacheParts } from './parts.js'
import type { NestRequest } from './request.js'

/** What happens to the requests of a route. */
export interface RoutePlan {
  /** `'passed'`: the route has nothing to do with the cache. `'mutation'`: it is never cached. */
  readonly kind: 'cached' | 'uncached' | 'mutation' | 'passed'
  readonly policy: RoutePolicy<NestRequest>
  readonly invalidates: readonly InvalidatedTags[]
}

/** A method of a controller. */
export type Handler = (...args: never[]) => unknown

/** The plans of the routes of an application. */
export class Routes {
  readonly #parts: CacheParts
  readonly #reflector: Reflector
  readonly #plans = new WeakMap<Type, Map<Handler, RoutePlan>>()

  constructor(parts: CacheParts, reflector: Reflector) {
    this.#parts = parts
    this.#reflector = reflector
  }

  /** The plan of a route. Throws `INVALID_OPTION` if a decorator has a wrong option. */
  planOf(controller: Type, handler: Handler): RoutePlan {
    const plans = this.#plans.get(controller) ?? new Map<Handler, RoutePlan>()
    const plan = plans.get(handler) ?? this.#resolve(controller, handler)
    this.#plans.set(controller, plans.set(handler, plan))
    return plan
  }

  /** Resolves every route, so that a wrong option is an error of the start and not of the first request. */
  check(discovery: DiscoveryService): void {
    for (const { metatype } of discovery.getControllers()) {
      if (typeof metatype !== 'function') continue
      for (const handler of methodsOf(metatype)) this.planOf(metatype as Type, handler)
    }
  }

  #resolve(controller: Type, handler: Handler): RoutePlan {
    const { http, routes } = this.#parts
    const invalidates = this.#reflector.get<InvalidatedTags[]>(INVALIDATES_METADATA, handler) ?? []
    const ofMethod = this.#optionsOf(handler)
    const ofClass = this.#optionsOf(controller)
    const plan = { policy: http.policy, invalidates }
    if (invalidates.length > 0) {
      if (ofMethod !== undefined) throw bothDecorators(controller, handler)
      return { ...plan, kind: 'mutation' }
    }
    if ((ofMethod ?? ofClass) === false) return { ...plan, kind: 'passed' }
    if (ofMethod === undefined && ofClass === undefined)
      return { ...plan, kind: routes === 'all' ? 'cached' : 'uncached' }
    return { ...plan, kind: 'cached', policy: http.route({ ...(ofClass || {}), ...(ofMethod || {}) }) }
  }

  #optionsOf(target: Type | Handler): RouteOptions<NestRequest> | false | undefined {
    return this.#reflector.get(ROUTE_METADATA, target)
  }
}

/** The methods of a class, those that it inherits included. */
function methodsOf(controller: { readonly prototype: object }): Handler[] {
  const methods: Handler[] = []
  for (
    let proto = controller.prototype;
    proto !== null && proto !== Object.prototype;
    proto = Object.getPrototypeOf(proto)
  ) {
    for (const { value } of Object.values(Object.getOwnPropertyDescriptors(proto))) {
      if (typeof value === 'function' && value !== proto.constructor) methods.push(value)
    }
  }
  return methods
}

function bothDecorators(controller: Type, handler: Handler): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    `expected one of @CacheRoute and @Invalidates on ${controller.name}.${handler.name}, since a mutation is never cached; got both. Remove one`,
  )
}
