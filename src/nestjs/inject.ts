// The token of the cache, for the injection.
import { Inject } from '@nestjs/common'

/** The token of the cache. A registered symbol, so that the ESM and the CommonJS build share it. */
export const CACHE: unique symbol = Symbol.for('tiercache.nestjs.cache') as never

/** Injects the cache: `constructor(@InjectCache() cache: Cache)`. Where the class `Cache` is imported as a value, its type alone is enough. */
export function InjectCache(): PropertyDecorator & ParameterDecorator {
  return Inject(CACHE)
}
