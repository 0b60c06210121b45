declare module 'apicache' {
  import type { RequestHandler } from 'express'

  interface ApiCache {
    options(options: object): ApiCache
    middleware(duration: string): RequestHandler
  }
  const apicache: ApiCache
  export = apicache
}
