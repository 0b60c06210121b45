// Sends back every message that it receives, to test the channel.

import { onMessage, send, stopListening } from '../../support/channel.js'

interface Message {
  readonly stop?: boolean
  readonly reject?: string
}

onMessage<Message>((message) => {
  if (message.stop) stopListening()
  else if (message.reject !== undefined) void Promise.reject(new Error(message.reject))
  else send({ echo: message })
})

send({ ready: process.argv[2] })
