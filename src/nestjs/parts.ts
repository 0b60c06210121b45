// What the module makes of its options, and its providers share.
import type { HttpCache } from '../http/index.js'
import type { Cache } from '../index.js'
import type { NestRequest } from './request.js'

/** The parts that the providers of the module share. */
export interface CacheParts {
  readonly cache: Cache
  readonly http: HttpCache<NestRequest>
  /** Whether the application made the cache, and closes it. */
  readonly isLent: boolean
  readonly routes: 'decorated' | 'all'
  readonly requestScope: boolean
}

/** The token of the parts. */
export const PARTS = Symbol.for('tiercache.nestjs.parts')
