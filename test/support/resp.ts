// One Redis command over one short connection, without a client library, so that tests watch the server with
// code that they do not test.

import { connect } from 'node:net'

export type Reply = string | number | null | Reply[]

/** Sends `args` to a server on 127.0.0.1 and returns its reply. Rejects on an error reply, or if there is no reply within `limitMs`. */
export function command(
  port: number,
  args: readonly (string | number | Uint8Array)[],
  { password, limitMs = 5_000 }: { password?: string | undefined; limitMs?: number } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let received: Buffer = Buffer.alloc(0)
    let repliesToSkip = password === undefined ? 0 : 1
    const finish = (settle: () => void) => {
      socket.destroy()
      settle()
    }
    socket.setTimeout(limitMs, () => finish(() => reject(new Error(`no reply from port ${port} in ${limitMs} ms`))))
    socket.once('error', (error) => finish(() => reject(error)))
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)))
    if (password !== undefined) socket.write(encodeCommand(['AUTH', password]))
    socket.write(encodeCommand(args))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      let parsed = parse(received, 0)
      while (parsed !== undefined && repliesToSkip > 0 && !(parsed.reply instanceof Error)) {
        repliesToSkip--
        received = received.subarray(parsed.end)
        parsed = parse(received, 0)
      }
      if (parsed === undefined) return
      const { reply } = parsed
      finish(() => (reply instanceof Error ? reject(reply) : resolve(reply)))
    })
  })
}

export function encodeCommand(args: readonly (string | number | Uint8Array)[]): Buffer {
  const parts: Uint8Array[] = [Buffer.from(`*${args.length}\r\n`)]
  for (const arg of args) {
    const bytes = arg instanceof Uint8Array ? arg : Buffer.from(String(arg))
    parts.push(Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n'))
  }
  return Buffer.concat(parts)
}

/** Reads one RESP2 reply at `at`; `undefined` while it is incomplete. */
function parse(bytes: Buffer, at: number): { reply: Reply | Error; end: number } | undefined {
  const lineEnd = bytes.indexOf('\r\n', at)
  if (lineEnd < 0) return undefined
  const line = bytes.toString('utf8', at + 1, lineEnd)
  const next = lineEnd + 2
  switch (String.fromCharCode(bytes[at] ?? 0)) {
    case '+':
      return { reply: line, end: next }
    case '-':
      return { reply: new Error(line), end: next }
    case ':':
      return { reply: Number(line), end: next }
    case '$':
      return parseBulk(bytes, Number(line), next)
    case '*':
      return parseArray(bytes, Number(line), next)
    default:
      throw new Error(`not a RESP2 reply: ${JSON.stringify(line)}`)
  }
}

function parseBulk(bytes: Buffer, length: number, at: number): { reply: Reply; end: number } | undefined {
  if (length < 0) return { reply: null, end: at }
  if (bytes.length < at + length + 2) return undefined
  return { reply: bytes.toString('utf8', at, at + length), end: at + length + 2 }
}

function parseArray(bytes: Buffer, length: number, at: number): { reply: Reply; end: number } | undefined {
  if (length < 0) return { reply: null, end: at }
  const items: Reply[] = []
  let end = at
  for (let i = 0; i < length; i++) {
    const item = parse(bytes, end)
    if (item === undefined) return undefined
    items.push(item.reply instanceof Error ? item.reply.message : item.reply)
    end = item.end
  }
  return { reply: items, end }
}
