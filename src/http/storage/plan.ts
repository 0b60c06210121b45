// What a recording is about: which request, for which entry, and what may be served instead.
import type { Slot } from '../../index.js'
import type { Forwarded } from '../rules/cache-status.js'
import type { Found } from './entries.js'
import type { HttpRequest } from './messages.js'
import type { RoutePolicy } from './policy.js'
import type { Resource } from './resource.js'
import type { StoredResponse, StoredValue } from './stored.js'

/** The stored response that the handler may confirm, and that is served if it fails. */
export interface Previous {
  readonly response: StoredResponse
  readonly residentMs: number
}

/** What a recording is about. */
export interface RecordingPlan {
  readonly request: HttpRequest
  readonly resource: Resource
  readonly policy: RoutePolicy<never>
  readonly found: Found
  readonly slot: Slot<StoredValue>
  readonly tags: readonly string[]
  readonly previous: Previous | undefined
  /** Why the handler runs. */
  readonly fwd: Forwarded
}
