// Whether an answer of a model is whole: it ended as the model meant it to, and not by a limit, a filter or an error.
import { dataOf, EventSplitter } from './sse.js'

/** What one part says of the end of its stream. */
type Said = 'goesOn' | 'ended' | 'refused'

/** The reasons of the providers that mean a whole answer: those of OpenAI, Anthropic and the AI SDK. */
const WHOLE: ReadonlySet<unknown> = new Set([
  ...['stop', 'tool_calls', 'function_call', 'tool-calls'],
  ...['end_turn', 'stop_sequence', 'tool_use', 'completed'],
])

type Json = Readonly<Record<string, unknown>>

/**
 * Judges one answer, in whatever dialect its parts are: chunks of OpenAI's chat completions, events of its responses, events of Anthropic, parts
 * of the AI SDK, or the bytes of server-sent events. A stream in none of them is whole when it ends.
 */
export class FinishJudge {
  readonly #events = new EventSplitter()
  #isRecognised = false
  #isRefused = false
  #hasEnded = false
  #awaitsDone = false
  /** The choices that have begun and not ended. */
  readonly #open = new Set<unknown>()

  part(part: unknown): void {
    if (part instanceof Uint8Array) for (const event of this.#events.push(part)) this.#event(event)
    else if (typeof part === 'object' && part !== null) this.json(part as Json)
  }

  /** Most events only go on. They are not parsed: this runs while a stream is passed on. */
  #event(bytes: Buffer): void {
    const text = bytes.toString('latin1')
    if (!text.includes('data:')) return
    this.#isRecognised = true
    if (!SAYS_MORE.test(text)) return
    const data = dataOf(bytes.toString())
    if (data === undefined) return
    if (data === '[DONE]') {
      this.#awaitsDone = false
      return
    }
    try {
      const json = JSON.parse(data) as Json
      // OpenAI's chat completions end with it, after the usage.
      if (Array.isArray(json.choices)) this.#awaitsDone = true
      this.json(json)
    } catch {
      // An event of a model that cannot be read may be one that was cut off.
      this.#isRefused = true
    }
  }

  json(part: Json): void {
    const said = this.#said(part)
    if (said === undefined) return
    this.#isRecognised = true
    if (said === 'refused') this.#isRefused = true
    if (said === 'ended') this.#hasEnded = true
  }

  mayStore(): boolean {
    return !this.#isRecognised || this.hasEnded()
  }

  /** Whether it is known to be whole. */
  hasEnded(): boolean {
    const isCut = this.#awaitsDone || this.#events.rest().length > 0
    return this.#hasEnded && !this.#isRefused && !isCut && this.#open.size === 0
  }

  /** `undefined` for a part that is in no known dialect. */
  #said(part: Json): Said | undefined {
    const { type } = part
    if (part.error !== undefined && part.error !== null) return 'refused'
    if (Array.isArray(part.choices)) return this.#saidByChoices(part.choices as readonly Json[])
    if (type === 'error') return 'refused'
    if (type === 'finish') return byReason((part.finishReason as Json | undefined)?.unified ?? part.finishReason)
    if (type === 'message_delta') return this.#saidByMessage((part.delta as Json | undefined)?.stop_reason)
    if (type === 'message') return byReason(part.stop_reason)
    if (type === 'message_stop') return this.#open.has('message') ? 'refused' : 'ended'
    if (type === 'message_start') this.#open.add('message')
    if (part.object === 'response') return byReason(part.status)
    if (typeof type !== 'string') return undefined
    if (/^response\.(completed|failed|incomplete)$/.test(type))
      return byReason((part.response as Json | undefined)?.status)
    return KNOWN_TYPE.test(type) ? 'goesOn' : undefined
  }

  #saidByChoices(choices: readonly Json[]): Said {
    let said: Said = 'goesOn'
    for (const { index = 0, finish_reason: reason } of choices) {
      if (reason === null || reason === undefined) this.#open.add(index)
      else {
        this.#open.delete(index)
        if (byReason(reason) === 'refused') return 'refused'
        said = 'ended'
      }
    }
    return said
  }

  /** The reason comes before the end of the message. */
  #saidByMessage(reason: unknown): Said {
    if (reason === null || reason === undefined) return 'goesOn'
    this.#open.delete('message')
    return byReason(reason) === 'refused' ? 'refused' : 'goesOn'
  }
}

/** What an event contains that begins or ends a message. A text that contains it as well is parsed in vain. */
const SAYS_MORE =
  /\[DONE\]|"error"|finish_reason"\s*:\s*"|"stop_reason"|message_st(art|op)|"response\.(completed|failed|incomplete)"/

const KNOWN_TYPE = /^(message_|content_block_|response\.|ping$|text-|reasoning-|tool-|stream-start$|response-metadata$)/

function byReason(reason: unknown): Said {
  return WHOLE.has(reason) ? 'ended' : 'refused'
}
