// A loopback model that speaks the dialects of OpenAI and Anthropic, streamed and whole, and misbehaves as a test wants.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** How the next answers go wrong. */
export interface Misbehaviour {
  /** Ends the body after so many bytes: `'cleanly'`, as if it were whole, or by dropping the connection. */
  readonly cutAt?: number
  readonly cut?: 'cleanly' | 'connection'
  /** Replies with this status instead. */
  readonly status?: number
  /** Sends an error in the place of the end. */
  readonly errorAfter200?: boolean
  /** Sends the first events and then nothing. */
  readonly stalls?: boolean
  /** The reason of the end. Default 'stop' or 'end_turn'. */
  readonly finish?: string
}

export interface ModelAnswer {
  /** The words of the text. */
  readonly words: readonly string[]
  /** The pause before each event in ms; 0: the next turn of the event loop. */
  readonly pauseMs?: number
  readonly tool?: boolean
}

const USAGE = { prompt_tokens: 11, completion_tokens: 7, total_tokens: 18 }

export class ModelServer {
  misbehaviour: Misbehaviour = {}
  answer: ModelAnswer = { words: ['Hello', ' wörld', '!'] }
  /** Bodies of the requests so far. */
  readonly requests: Record<string, unknown>[] = []
  /** Requests whose client went away before the end, and when (`performance.now()`). */
  readonly abortedAtMs: number[] = []
  readonly #server: Server

  private constructor(server: Server) {
    this.#server = server
  }

  static async start(): Promise<ModelServer> {
    const server = createServer((request, response) => void model.#reply(request, response))
    const model = new ModelServer(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return model
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #reply(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>
    this.requests.push(body)
    const { status } = this.misbehaviour
    if (status !== undefined) {
      response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '0' })
      response.end(JSON.stringify({ error: { message: 'slow down', type: 'rate_limit' } }))
      return
    }
    const isAnthropic = request.url?.includes('/messages') === true
    const events = isAnthropic ? this.#anthropic(body) : this.#openai(body)
    response.on('close', () => {
      if (!response.writableEnded) this.abortedAtMs.push(performance.now())
    })
    if (body.stream !== true) {
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify(isAnthropic ? this.#message() : this.#completion()))
      return
    }
    response.writeHead(200, { 'content-type': 'text/event-stream', 'x-request-id': 'req_1' })
    await this.#send(response, events)
  }

  async #send(response: ServerResponse, events: readonly string[]): Promise<void> {
    const { cutAt, cut, stalls } = this.misbehaviour
    let sent = 0
    for (const [i, event] of events.entries()) {
      if (this.answer.pauseMs === 0) await new Promise((resolve) => setImmediate(resolve))
      else if (this.answer.pauseMs !== undefined)
        await new Promise((resolve) => setTimeout(resolve, this.answer.pauseMs))
      if (response.destroyed) return
      if (stalls === true && i === 2) return
      const bytes = Buffer.from(event)
      const left = cutAt === undefined ? bytes.length : cutAt - sent
      response.write(bytes.subarray(0, left))
      sent += bytes.length
      if (left > bytes.length || cutAt === undefined) continue
      if (cut === 'connection') response.destroy()
      else response.end()
      return
    }
    response.end()
  }

  #openai({ stream_options: options }: Record<string, unknown>): string[] {
    const { finish = 'stop', errorAfter200 } = this.misbehaviour
    const chunk = (delta: object, reason: string | null = null) => ({
      id: 'chatcmpl-ABCDEFGH1234',
      object: 'chat.completion.chunk',
      created: 1,
      model: 'm',
      choices: [{ index: 0, delta, finish_reason: reason }],
    })
    const parts: object[] = [chunk({ role: 'assistant', content: '' })]
    for (const content of this.answer.words) parts.push(chunk({ content }))
    if (this.answer.tool === true) {
      const call = {
        index: 0,
        id: 'call_ABCDEFGHIJKL',
        type: 'function',
        function: { name: 'f', arguments: '{"id":1}' },
      }
      parts.push(chunk({ tool_calls: [call] }))
    }
    if (errorAfter200 === true) return [...parts.map(dataEvent), dataEvent({ error: { message: 'overloaded' } })]
    parts.push(chunk({}, finish))
    if (options !== undefined) parts.push({ ...chunk({}), choices: [], usage: USAGE })
    return [': keep-alive\n\n', ...parts.map(dataEvent), 'data: [DONE]\n\n']
  }

  #completion(): object {
    const { finish = 'stop' } = this.misbehaviour
    const message = { role: 'assistant', content: this.answer.words.join('') }
    const choices = [{ index: 0, message, finish_reason: finish }]
    return { id: 'chatcmpl-ABCDEFGH1234', object: 'chat.completion', created: 1, model: 'm', choices, usage: USAGE }
  }

  #anthropic(_: Record<string, unknown>): string[] {
    const { finish = 'end_turn', errorAfter200 } = this.misbehaviour
    const usage = { input_tokens: 11, output_tokens: 1 }
    const message = { ...this.#message(), content: [], stop_reason: null, usage }
    const parts: { type: string }[] = [
      { type: 'message_start', message } as never,
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } } as never,
    ]
    for (const text of this.answer.words)
      parts.push({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } } as never)
    if (errorAfter200 === true) {
      parts.push({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } } as never)
    } else {
      parts.push({ type: 'content_block_stop', index: 0 } as never)
      const delta = { stop_reason: finish, stop_sequence: null }
      parts.push({ type: 'message_delta', delta, usage: { output_tokens: 7 } } as never, { type: 'message_stop' })
    }
    return parts.map((part) => `event: ${part.type}\ndata: ${JSON.stringify(part)}\n\n`)
  }

  #message(): object {
    const { finish = 'end_turn' } = this.misbehaviour
    const content = [{ type: 'text', text: this.answer.words.join('') }]
    const usage = { input_tokens: 11, output_tokens: 7 }
    const about = { id: 'msg_ABCDEFGH1234', type: 'message', role: 'assistant', model: 'm' }
    return { ...about, content, stop_reason: finish, stop_sequence: null, usage }
  }
}

function dataEvent(data: object): string {
  return `data: ${JSON.stringify(data)}\n\n`
}
