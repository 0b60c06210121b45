// The decorators of routes: `@CacheRoute` and `@Invalidates`. They leave metadata, which `routes.ts` reads.
import { SetMetadata } from '@nestjs/common'
import { Reflector } from '@nestjs/core'
import type { HttpTags, InvalidatesOptions, RouteOptions } from '../http/index.js'
import type { NestRequest } from './request.js'

/** What one `@Invalidates` says. */
export interface InvalidatedTags {
  readonly tags: HttpTags<NestRequest>
  readonly options: InvalidatesOptions | undefined
}

/** Where the decorators leave what they say. */
export const ROUTE_METADATA = 'tiercache:route'
export const INVALIDATES_METADATA = 'tiercache:invalidates'

const reflector = new Reflector()

/**
 * Caches the responses of a GET route, or of all GET routes of a controller. Options of a method are put over those of its class, and those over
 * `http` of the module. `false`: requests pass the cache by, and mutations invalidate nothing. Wrong options make the application fail to start.
 */
export function CacheRoute<Req extends object = NestRequest>(
  options: RouteOptions<Req> | false = {},
): MethodDecorator & ClassDecorator {
  return SetMetadata(ROUTE_METADATA, options)
}

/**
 * Invalidates tags, and the URI, when a route has responded without an error, before its response leaves. Functions get the request. Several
 * of these decorators add up.
 */
export function Invalidates<Req extends object = NestRequest>(
  tags: HttpTags<Req>,
  options?: InvalidatesOptions,
): MethodDecorator {
  return (target, name, descriptor) => {
    const earlier: readonly InvalidatedTags[] = reflector.get(INVALIDATES_METADATA, descriptor.value as never) ?? []
    return SetMetadata(INVALIDATES_METADATA, [...earlier, { tags: tags as HttpTags<NestRequest>, options }])(
      target,
      name,
      descriptor,
    )
  }
}
