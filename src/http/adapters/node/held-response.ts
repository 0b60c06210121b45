// Holds the response of a mutation back until what it changed is invalidated: its client, and whoever hears of it, reads the change.
import type { ServerResponse } from 'node:http'
import type { ResponseHead } from '../../storage/messages.js'
import { headersOf } from './messages.js'
import { applyHead, writtenOf } from './written.js'

type Call = () => void

/**
 * Calls `settle` with the head of the response when the handler has one, and sends nothing before its promise settles. If that rejects, the
 * response is destroyed: its client must not take the change for done.
 */
export function holdUntilSettled(response: ServerResponse, settle: (head: ResponseHead) => Promise<void>): void {
  const { writeHead, write, end, flushHeaders } = response
  const waiting: Call[] = []
  let isHeadWritten = false
  let isEnded = false
  let isHeld = true
  define('headersSent', () => isHeadWritten)
  define('writableEnded', () => isEnded)

  response.writeHead = ((...args: Parameters<typeof applyHead>[1]) => {
    if (isHeadWritten) return writeHead.call(response, ...(args as [number]))
    applyHead(response, args)
    isHeadWritten = true
    void begin()
    return response
  }) as ServerResponse['writeHead']
  response.write = ((...args: unknown[]) => later(args, () => write.apply(response, args as never), false)) as never
  response.end = ((...args: unknown[]) => later(args, () => end.apply(response, args as never), response)) as never
  response.flushHeaders = () => later([], () => flushHeaders.call(response), undefined)

  /** Keeps the call until the response may leave. Nothing that waits is copied: Node itself keeps what it cannot send yet. */
  function later<R>(args: readonly unknown[], run: () => R, meanwhile: R): R {
    writtenOf(args)
    if (!isHeadWritten) response.writeHead(response.statusCode)
    if (meanwhile === (response as unknown)) isEnded = true
    if (!isHeld) return run()
    waiting.push(run)
    return meanwhile
  }

  async function begin(): Promise<void> {
    try {
      await settle({ status: response.statusCode, headers: headersOf(response) })
    } catch (error) {
      response.destroy(error as Error)
      return
    }
    isHeld = false
    Reflect.deleteProperty(response, 'writableEnded')
    writeHead.call(response, response.statusCode)
    for (const call of waiting.splice(0)) call()
    // A stream that was told to wait goes on.
    if (!isEnded) response.emit('drain')
  }

  function define(name: string, get: () => boolean): void {
    Object.defineProperty(response, name, { configurable: true, get })
  }
}
