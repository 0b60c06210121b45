// A request and its reply, the same for every server.

export interface Asked {
  readonly method: string
  /** With the path that the client wrote, whatever a framework made of it. */
  readonly url: URL
  /** Whether the path is that of the handler itself, as far as the server knows. */
  readonly isMountPath: boolean
  /** The address of the client; `undefined` if the server does not say. */
  readonly clientAddress: string | undefined
  header(name: string): string | undefined
  /** The fields of a JSON object or of a form; `undefined` if it is neither, or too long. */
  fields(): Promise<Fields | undefined>
}

export type Fields = Readonly<Record<string, unknown>>

export interface Reply {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Stream
}

/** Calls `send` with each part until its client is gone: then the function that it returns is called. `end` ends the reply. */
export type Stream = (send: (text: string) => void, end: () => void) => () => void

/** Larger bodies are refused. A key that is longer cannot be asked for. */
export const MAX_BODY_BYTES = 64 * 1024

/** The fields of a body; `undefined` for what is neither a JSON object nor a form. */
export function parseFields(text: string, type: string | undefined): Fields | undefined {
  if (type?.startsWith('application/x-www-form-urlencoded')) return Object.fromEntries(new URLSearchParams(text))
  try {
    return asFields(JSON.parse(text))
  } catch {
    return undefined
  }
}

/** What a body parser of the framework made of the body. */
export function asFields(parsed: unknown): Fields | undefined {
  return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Fields) : undefined
}

/**
 * What every reply carries. Nothing is loaded from elsewhere, no inline script or style runs, no string becomes HTML (Trusted Types), no
 * other page frames this one, and nothing is kept by caches.
 */
const COMMON_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; " +
    "base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'cache-control': 'no-store, no-transform',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

export function reply(status: number, type: string, body: Reply['body'], more: Reply['headers'] = {}): Reply {
  return { status, headers: { ...COMMON_HEADERS, 'content-type': `${type}; charset=utf-8`, ...more }, body }
}

export function jsonReply(status: number, data: unknown): Reply {
  return reply(status, 'application/json', JSON.stringify(data))
}

/** A refusal in one sentence. */
export function refusal(status: number, sentence: string, more: Reply['headers'] = {}): Reply {
  return reply(status, 'text/plain', `${sentence}\n`, more)
}

export function redirect(location: string, more: Reply['headers'] = {}): Reply {
  return refusal(303, 'See the other page.', { location, ...more })
}
