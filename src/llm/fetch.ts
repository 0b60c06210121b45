// `llmFetch`: a `fetch` for the clients of models. They notice nothing: a replay is a response like the original.
import type { Cache, StreamRead } from '../index.js'
import { Counts, type LlmStats } from './counts.js'
import { FinishJudge } from './finish.js'
import { checkLlmOptions, type LlmCacheOptions, requestKey, scopeOf, streamOptionsOf, tagsOf } from './options.js'
import { Replay } from './replay.js'
import { EventSplitter } from './sse.js'

/** A request of a client to its model. */
export interface LlmRequest {
  readonly url: string
  /** With lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  /** The body, which is JSON. */
  readonly body: Readonly<Record<string, unknown>>
}

/** `fetch` with a cache in front of it, for the option `fetch` of a client. */
export interface LlmFetch {
  (input: string | URL | Request, init?: RequestInit): Promise<Response>
  /** Counters of this process. */
  stats(): LlmStats
}

/** The first part of a recording. */
interface Head {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly isEvents: boolean
}

/** Headers that say who asks, and in which dialect: the answer depends on them. The others are about the connection. */
const KEY_HEADERS = /^(authorization|x-api-key|api-key|openai-(organization|project|beta)|anthropic-(version|beta))$/
/** Headers that say what the body is. */
const KEPT_HEADERS = ['content-type', 'x-request-id', 'request-id']

/** The answer of a model that is not to be shared, such as 429: each caller of this process gets its own copy. */
class Refusal {
  constructor(
    readonly status: number,
    readonly headers: Headers,
    readonly body: ArrayBuffer,
  ) {}

  get response(): Response {
    return new Response(this.body, { status: this.status, headers: this.headers })
  }
}

/**
 * Returns a `fetch` that records the answers of models and replays them, streamed or not: `new OpenAI({ fetch: llmFetch(cache, options) })`, or
 * the same for Anthropic, or a provider of the AI SDK. Requests that are no POST of JSON are passed on, and so are those that `when` or `scope`
 * rule out. `options.fetch` makes the requests. Throws `INVALID_OPTION`.
 */
export function llmFetch(
  cache: Cache,
  { fetch = globalThis.fetch, ...options }: LlmCacheOptions<LlmRequest> & { readonly fetch?: typeof globalThis.fetch },
): LlmFetch {
  const own = checkLlmOptions(options, 'llmFetch')
  const answers = new Answers(cache.namespace(own.name ?? 'llm'), own, fetch)
  return Object.assign(answers.fetch, { stats: () => answers.counts.snapshot() })
}

class Answers {
  readonly counts = new Counts()

  constructor(
    private readonly cache: Cache,
    private readonly options: LlmCacheOptions<LlmRequest>,
    private readonly send: typeof globalThis.fetch,
  ) {}

  readonly fetch = async (input: string | URL | Request, init?: RequestInit): Promise<Response> => {
    const request = requestOf(input, init)
    const scope = request && scopeOf({ ...this.options, when: this.#when }, request)
    if (request === undefined || scope === undefined) {
      this.counts.passed()
      return this.send(input, init)
    }
    const headers = Object.entries(request.headers).filter(([name]) => KEY_HEADERS.test(name))
    const key = requestKey('fetch', request.url, Object.fromEntries(headers), request.body, scope)
    try {
      const read = await this.cache.streams.open(key, ({ signal }) => this.#ask(input, { ...init, signal }), {
        ...streamOptionsOf(this.options),
        tags: tagsOf(this.options, request),
        signal: init?.signal ?? undefined,
        judge: () => new ResponseJudge(),
      })
      return await this.#respond(read)
    } catch (error) {
      if (error instanceof Refusal) return error.response
      throw error
    }
  }

  readonly #when = (request: LlmRequest): boolean => this.options.when?.(request) ?? isDeterministicBody(request)

  /** The parts of a recording: a head, then the body as it comes. */
  async *#ask(input: string | URL | Request, init: RequestInit): AsyncGenerator<Head | Uint8Array> {
    const response = await this.send(input, init)
    if (!response.ok) throw new Refusal(response.status, response.headers, await response.arrayBuffer())
    const headers = [...response.headers].filter(([name]) => KEPT_HEADERS.includes(name))
    const isEvents = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    yield { status: response.status, headers, isEvents }
    yield* (response.body ?? []) as AsyncIterable<Uint8Array>
  }

  async #respond(read: StreamRead<Head | Uint8Array>): Promise<Response> {
    const head = (await read.next()).value as Head
    this.counts.came(read.origin)
    const parts = read.origin === 'loader' ? (read as StreamRead<Uint8Array>) : this.#replayed(read, head)
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        const { done, value } = await parts.next()
        if (done === true) controller.close()
        else controller.enqueue(value)
      },
      cancel: async () => void (await read.return()),
    })
    const headers = new Headers(head.headers.map(([name, value]) => [name, value]))
    headers.set('x-tiercache', read.origin)
    return new Response(body, { status: head.status, headers })
  }

  async *#replayed(read: StreamRead<Head | Uint8Array>, head: Head): AsyncGenerator<Uint8Array> {
    const replay = new Replay(this.options.ids ?? 'fresh')
    const events = new EventSplitter()
    const whole: Uint8Array[] = []
    for await (const part of read as StreamRead<Uint8Array>) {
      if (!head.isEvents) whole.push(part)
      else for (const event of events.push(part)) yield replay.event(event)
    }
    if (events.rest().length > 0) yield events.rest()
    if (!head.isEvents) yield replay.body(Buffer.concat(whole))
    this.counts.saved(replay.saved)
  }
}

/** Judges the parts of a recorded response. */
class ResponseJudge {
  readonly #judge = new FinishJudge()
  readonly #whole: Uint8Array[] = []
  #isEvents = false

  part(part: Head | Uint8Array): void {
    if (!(part instanceof Uint8Array)) this.#isEvents = part.isEvents
    else if (this.#isEvents) this.#judge.part(part)
    else this.#whole.push(part)
  }

  mayStore(): boolean {
    if (this.#isEvents) return this.#judge.hasEnded()
    try {
      this.#judge.json(JSON.parse(Buffer.concat(this.#whole).toString()))
    } catch {
      return false
    }
    return this.#judge.hasEnded()
  }
}

function requestOf(input: string | URL | Request, init: RequestInit | undefined): LlmRequest | undefined {
  if (input instanceof Request || init?.method?.toUpperCase() !== 'POST' || typeof init.body !== 'string')
    return undefined
  try {
    const body: unknown = JSON.parse(init.body)
    if (typeof body !== 'object' || body === null || Array.isArray(body)) return undefined
    const headers = Object.fromEntries(new Headers(init.headers))
    return { url: String(input), headers, body: body as LlmRequest['body'] }
  } catch {
    // No JSON, so no request to a model that could be recognised again.
    return undefined
  }
}

function isDeterministicBody({ body }: LlmRequest): boolean {
  return scopeOf({ scope: 'everybody' }, body) !== undefined
}
