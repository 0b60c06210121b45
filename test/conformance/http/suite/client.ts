// A client that hides nothing: no decoding, no cookies, no redirects, and a response that breaks off is no error.
import { Agent, type IncomingMessage, request } from 'node:http'

/** What a client has got. */
export interface Got {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
  readonly bytes: Buffer
  /** Whether the response came to its end. */
  readonly isWhole: boolean
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

/** A connection for each request, so that nothing is shared between them. */
const agent = new Agent({ keepAlive: false })

/** Sends a request and resolves with its whole response. Rejects if there is none. */
export async function fetchFrom(url: string, sent: Sent = {}): Promise<Got> {
  const response = await open(url, sent)
  const parts: Buffer[] = []
  response.on('data', (part: Buffer) => parts.push(part))
  await new Promise<void>((resolve) => {
    response.on('error', () => resolve())
    response.on('close', () => resolve())
  })
  const bytes = Buffer.concat(parts)
  const { statusCode: status = 0, headers, complete: isWhole } = response
  return { status, headers, body: bytes.toString(), bytes, isWhole }
}

/** Sends a request and resolves once the head of its response is there. */
export function open(url: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers, agent }, resolve).on('error', reject).end(body)
  })
}

/** Resolves with the next part of a response. */
export function nextPart(response: IncomingMessage): Promise<string> {
  return new Promise((resolve, reject) => {
    response.once('data', (part: Buffer) => {
      response.pause()
      resolve(part.toString())
    })
    response.once('error', reject)
    response.resume()
  })
}
