// Runs a handler of Koa in the background: a second request passes through the application, whose response goes nowhere.
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { HttpCache } from '../../exchange/http-cache.js'
import type { Recording } from '../../exchange/recording.js'
import type { Fields } from '../../rules/fields.js'
import { markBackground } from '../common/background.js'
import { replaceHeaders } from '../node/messages.js'
import type { KoaContext } from './context.js'

/** Begins the run. Errors of it go where the application sends those of all requests: to its `error` event. */
export function runInBackground<Context extends KoaContext>(
  http: HttpCache<Context>,
  context: Context,
  conditions: Fields,
  recording: Recording,
): void {
  const request = requestLike(context, conditions)
  const response = new ServerResponse(request)
  markBackground(http, request, { of: context, data: recording })
  const over = () => {
    // Without effect on what is recorded. A run that did not come to the cache, or failed, ends here.
    recording.broken()
    response.destroy()
  }
  context.app.callback()(request, response).then(over, over)
}

/** The request of the client, before routers have changed its URL, with the conditions of the cache. */
function requestLike({ req, originalUrl }: KoaContext, conditions: Fields): IncomingMessage {
  const own = { url: { value: originalUrl, writable: true }, headers: { value: { ...req.headers } } }
  const request: IncomingMessage = Object.create(req, own)
  replaceHeaders(request, conditions)
  return request
}
