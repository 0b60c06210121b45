// MONITOR without a client library: ioredis takes what the server reports right behind its OK for the reply to a command.

import { connect } from 'node:net'
import { encodeCommand } from './resp.js'

/** Passes each command that the server on `port` executes to `seen`, as it was sent, until it is stopped. */
export async function monitor(port: number, seen: (words: readonly string[]) => void): Promise<() => void> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.setEncoding('utf8')
  socket.on('error', () => {}) // It closes then, and nothing is seen any more.
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

/** `+<time> [<database> <client>] "get" "a key"`: each word is quoted. */
function wordsIn(line: string): string[] {
  return [...line.matchAll(/"((?:[^"\\]|\\.)*)"/g)].map(([, word = '']) => word)
}
