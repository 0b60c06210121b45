// `tiercache/sessions`: the state of conversations, appended by any process.
import type { Cache } from '../index.js'
import { type DurableSessionOptions, DurableSessions } from './durable-sessions.js'
import { checkSessionOptions, type SessionOptions } from './options.js'
import { Sessions } from './sessions.js'

export { type DurableSessionOptions, DurableSessions, type SessionDatabase } from './durable-sessions.js'
export type { ToolLinks } from './links.js'
export type { ItemOptions, SessionOptions } from './options.js'
export { type ItemsOptions, type SessionChange, type SessionInfo, Sessions } from './sessions.js'

/**
 * Returns a store of sessions: lists of items, such as the messages of a conversation, to which any process may append. They live in the
 * namespace `name` of `cache`. With `l3`, your database keeps them and the cache has copies; without it, they live as long as Redis keeps
 * them. Throws `INVALID_OPTION`.
 */
export function sessionStore<T>(cache: Cache, options: DurableSessionOptions<T>): DurableSessions<T>
export function sessionStore<T>(cache: Cache, options: SessionOptions<T>): Sessions<T>
export function sessionStore<T>(
  cache: Cache,
  options: SessionOptions<T> | DurableSessionOptions<T>,
): Sessions<T> | DurableSessions<T> {
  const own = checkSessionOptions(options, ['l3'])
  return 'l3' in own ? new DurableSessions<T>(cache, own as DurableSessionOptions<T>) : new Sessions<T>(cache, own)
}
