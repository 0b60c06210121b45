// `tiercache devtools`: serves a page on this machine that shows what stands in Redis.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { DevtoolsHandler } from '../../devtools/index.js'
import type { Call, Command } from '../commands/command.js'
import { type ExitCode, Failure, wrongUse } from '../output/failure.js'
import { nameText } from '../output/text.js'
import { RedisView } from './redis-view.js'

const USUAL_PORT = '4983'

export const devtools: Command = {
  name: 'devtools',
  operands: '',
  minOperands: 0,
  maxOperands: 0,
  summary: 'serves a page on this machine: keys, tags, announcements as they come, and what doctor finds',
  details:
    'It serves clients on this machine only, and is read-only without --allow-changes. Hits, loads and memory are seen in the processes:\n' +
    "mount devtools(cache) of 'tiercache/devtools' there. Ctrl-C ends it.",
  options: {
    port: {
      type: 'string',
      argument: '<port>',
      help: `the port of the page; 0 takes a free one; default ${USUAL_PORT}`,
    },
    'allow-changes': { type: 'boolean', help: 'the page may delete, expire, invalidate and clear' },
    'show-values': { type: 'boolean', help: 'the page shows values' },
  },
  run: async (call) => {
    const port = portOf(call.text('port') ?? USUAL_PORT)
    const [allowChanges, showValues] = [call.values['allow-changes'] === true, call.values['show-values'] === true]
    // The other commands need nothing of the page, which is large.
    const { devtoolsOf } = await import('../../devtools/index.js')
    return call.inSession(allowChanges ? 'change' : 'read', async (session) => {
      const view = new RedisView(session, showValues)
      try {
        return await serve(call, devtoolsOf(view, { allowChanges, showValues }), port)
      } finally {
        await view.close()
      }
    })
  },
}

function portOf(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port < 65_536) return port
  throw wrongUse(`--port must be a number from 0 to 65535; got ${nameText(text)}`)
}

/** Serves until Ctrl-C. */
async function serve(call: Call, handler: DevtoolsHandler, port: number): Promise<ExitCode> {
  const interruption = call.program.interruption()
  const server = createServer(handler)
  await listen(server, port)
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  call.write(`The page is at ${url} (Ctrl-C ends it)`, { url })
  await new Promise<void>((resolve) => {
    if (interruption.aborted) resolve()
    interruption.addEventListener('abort', () => resolve(), { once: true })
  })
  handler.close()
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return 0
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const reason = cause.code === 'EADDRINUSE' ? 'another program has it' : `${cause.code}`
      reject(new Failure(3, `The port ${port} cannot be used: ${reason}. Add --port with another one`, { cause }))
    })
    server.listen(port, '127.0.0.1', resolve)
  })
}
