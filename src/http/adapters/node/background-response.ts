// The response of a handler that runs although its client has its response already: it writes to one that is connected to nothing.
import { type IncomingMessage, ServerResponse } from 'node:http'
import type { Recording } from '../../exchange/recording.js'
import { RecordedResponse } from './recorded-response.js'

const METHODS = [
  ...[
    'setHeader',
    'setHeaders',
    'appendHeader',
    'getHeader',
    'getHeaders',
    'getHeaderNames',
    'getRawHeaderNames',
    'hasHeader',
  ],
  ...[
    'removeHeader',
    'writeHead',
    'write',
    'end',
    'flushHeaders',
    'destroy',
    'cork',
    'uncork',
    'setTimeout',
    'writeContinue',
  ],
  ...[
    'on',
    'once',
    'off',
    'addListener',
    'removeListener',
    'prependListener',
    'prependOnceListener',
    'emit',
    'listenerCount',
  ],
  ...[
    'listeners',
    'removeAllListeners',
    'assignSocket',
    'detachSocket',
    'addTrailers',
    'writeEarlyHints',
    'writeProcessing',
  ],
] as const
const PROPERTIES = [
  ...[
    'statusCode',
    'statusMessage',
    'headersSent',
    'finished',
    'writableEnded',
    'writableFinished',
    'writable',
    'destroyed',
  ],
  ...['_closed', 'closed', 'errored', 'sendDate', '_header', 'writableNeedDrain', 'writableLength', 'writableCorked'],
] as const

/**
 * Connects `response`, which is over, with another one that is recorded. The handler has `response` already: frameworks keep it in closures.
 * `outer` are the headers that it had before anything was sent.
 */
export function recordInBackground(
  request: IncomingMessage,
  response: ServerResponse,
  outer: Readonly<Record<string, number | string | string[] | undefined>>,
  recording: Recording,
): void {
  const own = new ServerResponse(request)
  for (const [name, value] of Object.entries(outer)) if (value !== undefined) own.setHeader(name, value)
  new RecordedResponse(own, recording, 'nobody')
  const target = own as unknown as Record<string, unknown>
  for (const name of METHODS) {
    if (typeof target[name] !== 'function') continue
    define(response, name, {
      value: (...args: unknown[]) => result(own, response, call(target, name, args)),
      writable: true,
    })
  }
  for (const name of PROPERTIES) {
    define(response, name, {
      get: () => target[name],
      set: (value) => {
        target[name] = value
      },
    })
  }
  // The head goes through the response that the handler has, whose method inner middleware may replace.
  own.writeHead = relayed(own, response)
}

/** The `writeHead` of `own`, for calls from within: through that of `response`, unless that has led here. */
function relayed(own: ServerResponse, response: ServerResponse): ServerResponse['writeHead'] {
  const { writeHead } = own
  let isInside = false
  return ((...args: [number]) => {
    if (isInside) return writeHead.apply(own, args)
    isInside = true
    try {
      response.writeHead(...args)
      return own
    } finally {
      isInside = false
    }
  }) as ServerResponse['writeHead']
}

function call(target: Record<string, unknown>, name: string, args: readonly unknown[]): unknown {
  return (target[name] as (...args: readonly unknown[]) => unknown)(...args)
}

/** Methods that return their object, for chains, return the one that the handler has. */
function result(own: ServerResponse, response: ServerResponse, value: unknown): unknown {
  return value === own ? response : value
}

function define(response: ServerResponse, name: string, descriptor: PropertyDescriptor): void {
  Object.defineProperty(response, name, { configurable: true, ...descriptor })
}
