// How Valkey GLIDE is spoken to: `customCommand` with bytes in and out. Its replies and errors are brought into the form of ioredis.
import { asBuffer } from '../../model/as-buffer.js'
import type { Argument } from '../client/client.js'
import { replyError } from './face.js'

type Route = 'randomNode' | { readonly type: 'routeByAddress'; readonly host: string; readonly port: number }

/** A client of GLIDE (`GlideClient`, `GlideClusterClient`), as far as it is used. It is not imported. */
export interface GlideClient {
  customCommand(args: (string | Buffer)[], options?: object): Promise<unknown>
  close(error?: string): void
  /** Internal to the client: what it was created with. A duplicate is created with the same. */
  readonly config?: GlideConfig | undefined
}

export interface GlideConfig {
  readonly addresses: readonly { readonly host: string; readonly port?: number }[]
  readonly databaseId?: number
  readonly useTLS?: boolean
  readonly readFrom?: string
  addressResolver?(host: string, port: number): [string, number]
}

/** `Decoder.Bytes` of GLIDE. */
const BYTES = 0

/** Sends one command to the node of its key, or of `route`. */
export async function callGlide(
  client: GlideClient,
  command: string,
  args: readonly Argument[],
  route?: Route,
): Promise<unknown> {
  const all = [command.toUpperCase(), ...args.map((arg) => (typeof arg === 'object' ? asBuffer(arg) : String(arg)))]
  try {
    const reply = await client.customCommand(all, route === undefined ? { decoder: BYTES } : { decoder: BYTES, route })
    return plainReply(command, reply)
  } catch (error) {
    throw asReplied(error)
  }
}

/** GLIDE turns the entries of a stream into records, numbers of some commands into booleans, and short strings into text. */
function plainReply(command: string, reply: unknown): unknown {
  if (typeof reply === 'boolean') return reply ? 1 : 0
  if (typeof reply === 'string') return Buffer.from(reply)
  if (command === 'xrange') return entriesOf(reply)
  if (command === 'xread' && Array.isArray(reply)) {
    return reply.map((stream: unknown) => (isPair(stream) ? [stream.key, entriesOf(stream.value)] : stream))
  }
  return reply
}

function entriesOf(entries: unknown): unknown {
  if (!Array.isArray(entries)) return entries
  return entries.map((entry: unknown) => {
    if (!isPair(entry)) return entry
    return [entry.key, Array.isArray(entry.value) ? entry.value.flat() : entry.value]
  })
}

function isPair(value: unknown): value is { readonly key: unknown; readonly value: unknown } {
  return typeof value === 'object' && value !== null && 'key' in value && 'value' in value
}

/** The names under which GLIDE reports codes of Redis. Every other `…Error` is the code in capitals. */
const CODES: Readonly<Record<string, string>> = {
  ResponseError: 'ERR',
  BusyLoadingError: 'LOADING',
  PermissionDenied: 'NOPERM',
  AuthenticationFailed: 'WRONGPASS',
}

/** The error as ioredis would report it: `NOSCRIPT No matching script` for `NoScriptError: No matching script`. */
function asReplied(error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'RequestError') return error
  const [, name, detail] = /^(?:An error was signalled by the server: ?-? ?)?(\w+): (.*)$/s.exec(error.message) ?? []
  if (name === undefined) return error
  return replyError(`${CODES[name] ?? name.replace(/Error$/, '').toUpperCase()} ${detail}`, undefined)
}

/** Whether the link is down: GLIDE reconnects by itself, and commands wait for that until they time out. */
export function isDown(error: unknown): boolean {
  return error instanceof Error && /^(ConnectionError|ClosingError|TimeoutError)$/.test(error.name)
}

/** The client was closed for good. */
export function isClosed(error: unknown): boolean {
  return error instanceof Error && error.name === 'ClosingError'
}

/** Longer than every deadline of the SDK's own, which are the ones that count. */
const REQUEST_TIMEOUT_MS = 5_000

/** Creates a client like `client`; `GlideClient` is not imported, so its class is asked. */
export async function duplicateGlide(client: GlideClient, name: string): Promise<GlideClient> {
  const maker = client.constructor as unknown as { createClient?(config: object): Promise<GlideClient> }
  if (client.config === undefined || typeof maker.createClient !== 'function') {
    throw new Error('a second connection like this client of GLIDE cannot be made: it does not show its configuration')
  }
  const { pubsubSubscriptions: _, ...config } = client.config as GlideConfig & {
    readonly pubsubSubscriptions?: unknown
  }
  return maker.createClient({ ...config, clientName: name, requestTimeout: REQUEST_TIMEOUT_MS, lazyConnect: false })
}
