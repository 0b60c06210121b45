// Asks the site of a devtools page as a browser would, without a server.
import type { Asked, Reply } from '../../../src/devtools/http/exchange.js'

export interface Request {
  readonly method?: string
  readonly path?: string
  readonly from?: string | undefined
  readonly headers?: Readonly<Record<string, string>>
  readonly fields?: Readonly<Record<string, unknown>>
  readonly isMountPath?: boolean
}

export function asked({
  method = 'GET',
  path = '/devtools/',
  headers = {},
  fields,
  isMountPath = false,
  ...rest
}: Request = {}): Asked {
  const all: Readonly<Record<string, string>> = { host: 'localhost:3000', ...headers }
  return {
    method,
    url: new URL(`http://localhost${path}`),
    isMountPath,
    clientAddress: 'from' in rest ? rest.from : '127.0.0.1',
    header: (name) => all[name],
    fields: async () => fields,
  }
}

/** A request of the page itself. */
export function fromPage(path: string, fields: Readonly<Record<string, unknown>>, headers = {}): Request {
  return {
    method: 'POST',
    path: `/devtools/${path}`,
    fields,
    headers: {
      'x-tiercache-devtools': 'page',
      origin: 'http://localhost:3000',
      'sec-fetch-site': 'same-origin',
      ...headers,
    },
  }
}

export function textOf({ body }: Reply): string {
  if (typeof body !== 'string') throw new Error('the reply is a stream')
  return body
}

/** Opens the stream of a reply. Returns the parts that it has sent, and how to leave it. */
export function opened({ body }: Reply) {
  if (typeof body === 'string') throw new Error(`the reply is no stream: ${body}`)
  const parts: string[] = []
  const state = { hasEnded: false }
  const leave = body(
    (text) => parts.push(text),
    () => {
      state.hasEnded = true
    },
  )
  return { parts, state, leave }
}
