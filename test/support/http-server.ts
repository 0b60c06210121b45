// A server of node:http on a free loopback port.
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface HttpServer extends AsyncDisposable {
  /** Such as `http://127.0.0.1:12345`. */
  readonly origin: string
  /** Resolves once every connection is closed. */
  close(): Promise<void>
}

export async function startHttp(listener: RequestListener): Promise<HttpServer> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeIdleConnections()
    })
  return {
    origin: `http://127.0.0.1:${port}`,
    close,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections()
      return close()
    },
  }
}
