// MONITOR without a client library: ioredis takes a report that follows right behind the OK for the reply to a command.

import { connect } from 'node:net'
import { encodeCommand } from './resp.js'

/** Passes each command that the server on `port` executes to `seen`, in the form in which it was sent, until it is stopped. */
export async function monitor(port: number, seen: (words: readonly string[]) => void): Promise<() => void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setEncoding('utf8')
  socket.on('error', () => {}) // The connection closes then, and nothing more is seen.
  await new Promise<void>((resolve, reject) => {
    let rest = ''
    socket.once('close', () => reject(new Error(`port ${port} closed the connection`)))
    socket.on('data', (chunk: string) => {
      const lines = (rest + chunk).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (line === '+OK') resolve()
        else seen(wordsIn(line))
      }
    })
    socket.write(encodeCommand(['MONITOR']))
  })
  return () => socket.destroy()
}

/** `+<time> [<database> <client>] "get" "a key"`: each word is in quotes. */
function wordsIn(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)
}
