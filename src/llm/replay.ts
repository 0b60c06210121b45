// What a caller gets of an answer that it did not cause: the same parts, with new ids, and with 0 tokens in the place of those that were saved.
import { FreshIds } from './fresh-ids.js'
import { dataOf, withData } from './sse.js'
import { noUsage, type SavedTokens, tokensOf } from './usage.js'

type Json = Record<string, unknown>

/** Ids of the AI SDK's parts. `id` of text and reasoning counts within its stream. */
const PARTS_WITH_ID = /^(response-metadata|tool-input-(start|delta|end))$/

/** Rewrites the parts of one replay, in any of the dialects of `FinishJudge`. It changes copies only. */
export class Replay {
  readonly #ids: { of<T>(id: T): T }
  /** The highest counts so far: Anthropic's events repeat them. */
  saved: SavedTokens = { input: 0, output: 0 }

  constructor(ids: 'fresh' | 'recorded') {
    this.#ids = ids === 'fresh' ? new FreshIds() : { of: (id) => id }
  }

  /** The body of an answer that is not streamed. */
  body(bytes: Uint8Array): Uint8Array {
    return Buffer.from(JSON.stringify(this.json(JSON.parse(Buffer.from(bytes).toString()) as Json)))
  }

  /** A whole result of the AI SDK. */
  result(result: Json): Json {
    const content = (result.content as readonly Json[]).map((part) => this.part(part))
    const response = result.response as Json | undefined
    return this.#withoutUsage({ ...result, content, response: { ...response, id: this.#ids.of(response?.id) } })
  }

  /** A server-sent event, as bytes. */
  event(bytes: Uint8Array): Uint8Array {
    const event = Buffer.from(bytes).toString()
    const data = dataOf(event)
    if (data === undefined || !data.startsWith('{')) return bytes
    try {
      return Buffer.from(withData(event, JSON.stringify(this.json(JSON.parse(data) as Json))))
    } catch {
      // No JSON: nothing in it is ours to change.
      return bytes
    }
  }

  /** A chunk, an event or a whole answer. */
  json(part: Json): Json {
    const { type } = part
    // The ids of OpenAI's responses are known to its server, and later requests refer to them.
    const isResponse = part.object === 'response' || (typeof type === 'string' && type.startsWith('response.'))
    const body = isResponse ? part : this.#withIds(part)
    const nested = this.#nestedUsage(body)
    return body.usage === undefined || body.usage === null ? nested : { ...nested, ...this.#usage(body.usage) }
  }

  /** A part of an AI SDK stream. */
  part(part: Json): Json {
    const { type, toolCallId } = part
    const fresh = { ...part }
    if (toolCallId !== undefined) fresh.toolCallId = this.#ids.of(toolCallId)
    if (PARTS_WITH_ID.test(String(type))) fresh.id = this.#ids.of(part.id)
    return type === 'finish' ? this.#withoutUsage(fresh) : fresh
  }

  /** A `finish` part or a whole result of the AI SDK: what was saved stands in its `providerMetadata`. */
  #withoutUsage(part: Json): Json {
    const { usage, savedUsage } = this.#usage(part.usage)
    const providerMetadata = { ...(part.providerMetadata as Json | undefined), tiercache: { savedUsage } }
    return { ...part, usage, providerMetadata }
  }

  #usage(usage: unknown): { usage: unknown; savedUsage: unknown } {
    const { input, output } = tokensOf(usage)
    this.saved = { input: Math.max(this.saved.input, input), output: Math.max(this.saved.output, output) }
    return { usage: noUsage(usage), savedUsage: usage }
  }

  /** In Anthropic's `message_start` and OpenAI's `response.completed` it is one level deeper. */
  #nestedUsage(part: Json): Json {
    for (const name of ['message', 'response']) {
      const inner = part[name] as Json | undefined
      if (inner?.usage !== undefined && inner.usage !== null)
        return { ...part, [name]: { ...inner, ...this.#usage(inner.usage) } }
    }
    return part
  }

  /** Every `id` and `tool_use_id`, at any depth. The arguments of tool calls are text, and stay as they are. */
  #withIds<T>(value: T): T {
    if (Array.isArray(value)) return value.map((item) => this.#withIds(item)) as T
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([name, item]) => {
      if (name === 'id' || name === 'tool_use_id') return [name, this.#ids.of(item)]
      return [name, name === 'input' ? item : this.#withIds(item)]
    })
    return Object.fromEntries(entries) as T
  }
}
