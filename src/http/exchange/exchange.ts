// The four things that can happen to a request.
import type { Fields } from '../rules/fields.js'
import type { HttpResponse } from '../storage/messages.js'
import type { Mutation } from './mutation.js'
import type { Recording } from './recording.js'

/** What an adapter has to do with a request. */
export type Exchange<Req = object> =
  /** Run the handler and send its response with these headers. */
  | { readonly kind: 'pass'; readonly headers: Fields }
  /** Send this. The handler does not run. */
  | { readonly kind: 'serve'; readonly response: HttpResponse }
  /** Run the handler, hold its response back until `mutation.settle` resolves, and send it with these headers. */
  | { readonly kind: 'mutate'; readonly mutation: Mutation<Req>; readonly headers: Fields }
  /**
   * Run the handler and record its response. `conditions` replace headers of the request, `undefined` removes one. With `first`, that is
   * sent at once, and the handler runs for the recording only.
   */
  | {
      readonly kind: 'record'
      readonly recording: Recording
      readonly conditions: Fields
      readonly first: HttpResponse | undefined
    }
