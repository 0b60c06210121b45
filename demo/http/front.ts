// What stands before a fleet: one address, which sends requests to the instances in turn. Also serves the page of the demo.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Agent, createServer, type IncomingMessage, request as requestTo, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Front {
  readonly url: string
  close(): void
}

/** Chooses the instance, beginning with 1. Without it, they take turns. The instances do not get it. */
export const INSTANCE_HEADER = 'x-instance'

/** Whoever has seen the page is a user. */
const PAGE_HEADERS = { 'content-type': 'text/html; charset=utf-8', 'set-cookie': 'user=ann; Path=/me' }
const PAGE = readFileSync(new URL('page.html', import.meta.url))

/** Listens on `port` of this machine, or on a free one if it is 0. */
export async function startFront(instancePorts: readonly number[], port: number): Promise<Front> {
  const agent = new Agent({ keepAlive: true })
  let turn = 0
  const server = createServer((request, response) => {
    if (request.url === '/') return void response.writeHead(200, PAGE_HEADERS).end(PAGE)
    const { [INSTANCE_HEADER]: chosen, ...headers } = request.headers
    const index = chosen === undefined ? turn++ : Number(chosen) - 1
    const target = instancePorts[index % instancePorts.length]
    if (target === undefined) return void response.writeHead(400).end(`no instance ${chosen}`)
    forward(request, response, { port: target, headers, agent })
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close() {
      agent.destroy()
      server.closeAllConnections()
      server.close()
    },
  }
}

interface Target {
  readonly port: number
  readonly headers: IncomingMessage['headers']
  readonly agent: Agent
}

/** With the host that the client asked for: it is part of the key of a response, and the same for all instances. */
function forward(request: IncomingMessage, response: ServerResponse, { port, headers, agent }: Target): void {
  const { method, url: path } = request
  const onward = requestTo({ host: '127.0.0.1', port, method, path, headers, agent }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    answer.pipe(response)
  })
  onward.on('error', () => (response.headersSent ? response.destroy() : response.writeHead(502).end()))
  request.pipe(onward)
}
