// `Cache-Status` (RFC 9211): how a response was come by, as a structured field (RFC 9651).
import { serializeItem, Token } from 'structured-headers'

/** Why a request went on to the handler (RFC 9211 §2.2). */
export type Forwarded = 'bypass' | 'method' | 'uri-miss' | 'vary-miss' | 'miss' | 'request' | 'stale' | 'partial'

/** What one exchange says of itself. */
export interface CacheStatus {
  /** Whether it was served without running the handler. */
  readonly hit?: boolean | undefined
  readonly fwd?: Forwarded | undefined
  /** The status of the handler, where it differs from that of the response. */
  readonly fwdStatus?: number | undefined
  /** What is left of the freshness, in seconds; negative: how long it has been stale. */
  readonly ttlSeconds?: number | undefined
  readonly stored?: boolean | undefined
  /** Whether it shared the run of a handler with other requests. */
  readonly collapsed?: boolean | undefined
  /** In a word: why it was not stored, or why it was served stale. */
  readonly detail?: string | undefined
}

/** The member of `Cache-Status` of the cache `name`. */
export function formatCacheStatus(name: string, status: CacheStatus): string {
  const parameters = new Map<string, boolean | number | string | Token>()
  if (status.hit === true) parameters.set('hit', true)
  if (status.fwd !== undefined) parameters.set('fwd', new Token(status.fwd))
  if (status.fwdStatus !== undefined) parameters.set('fwd-status', status.fwdStatus)
  if (status.ttlSeconds !== undefined) parameters.set('ttl', status.ttlSeconds)
  if (status.stored === true) parameters.set('stored', true)
  if (status.collapsed === true) parameters.set('collapsed', true)
  if (status.detail !== undefined) parameters.set('detail', new Token(status.detail))
  return serializeItem([new Token(name), parameters])
}

/** The same in one word, as `X-Cache-Status` of nginx has it. */
export function formatXCacheStatus({ hit, fwd, ttlSeconds, fwdStatus }: CacheStatus): string {
  if (hit === true) return ttlSeconds !== undefined && ttlSeconds < 0 ? 'STALE' : 'HIT'
  if (fwd === 'bypass' || fwd === 'method') return 'BYPASS'
  if (fwd === 'stale') return fwdStatus === 304 ? 'REVALIDATED' : 'EXPIRED'
  return 'MISS'
}
