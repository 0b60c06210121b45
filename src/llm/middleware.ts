// `llmCache`: a middleware for the AI SDK (specification v3), for streams and for whole answers.
import type { Cache } from '../index.js'
import { Counts, type LlmStats } from './counts.js'
import { FinishJudge } from './finish.js'
import { checkLlmOptions, type LlmCacheOptions, requestKey, scopeOf, streamOptionsOf, tagsOf } from './options.js'
import { Replay } from './replay.js'

/** What a middleware uses of a call's options: `LanguageModelV3CallOptions` of `@ai-sdk/provider` is one. */
export interface ModelCall {
  readonly prompt: unknown
  readonly temperature?: number | undefined
  readonly seed?: number | undefined
  readonly abortSignal?: AbortSignal | undefined
}

/** What a middleware uses of a model. `LanguageModelV3` of `@ai-sdk/provider` is one. */
interface Model {
  readonly specificationVersion: string
  readonly provider: string
  readonly modelId: string
  // biome-ignore lint/suspicious/noExplicitAny: the types of the AI SDK are those of an optional package.
  doGenerate(options: any): PromiseLike<any>
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  doStream(options: any): PromiseLike<any>
}

/** A call as `wrapLanguageModel` passes it on. */
interface Wrapped {
  readonly model: Model
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  readonly params: any
}

/** A middleware for `wrapLanguageModel` of the AI SDK. */
export interface LlmMiddleware {
  readonly specificationVersion: 'v3'
  // biome-ignore lint/suspicious/noExplicitAny: it returns what the model returns.
  wrapGenerate(options: Wrapped): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: the same.
  wrapStream(options: Wrapped): Promise<any>
  /** Counters of this process. */
  stats(): LlmStats
}

type Json = Record<string, unknown>

/** A whole answer may take as long as a stream. */
const TIMEOUT = '10m'

/**
 * Returns a middleware that records the answers of a model and replays them: `wrapLanguageModel({ model, middleware: llmCache(cache, options) })`.
 * The key is the whole call, with the provider, the model and the version of the specification. Throws `INVALID_OPTION`.
 */
export function llmCache(cache: Cache, options: LlmCacheOptions<ModelCall>): LlmMiddleware {
  const own = checkLlmOptions(options, 'llmCache')
  const middleware = new Middleware(cache.namespace(own.name ?? 'llm'), own)
  return {
    specificationVersion: 'v3',
    wrapGenerate: (wrapped) => middleware.generate(wrapped),
    wrapStream: (wrapped) => middleware.stream(wrapped),
    stats: () => middleware.counts.snapshot(),
  }
}

class Middleware {
  readonly counts = new Counts()

  constructor(
    private readonly cache: Cache,
    private readonly options: LlmCacheOptions<ModelCall>,
  ) {}

  async generate({ model, params }: Wrapped): Promise<unknown> {
    const key = this.#keyOf('generate', model, params)
    if (key === undefined) return model.doGenerate(params)
    const load = async (context: { readonly signal: AbortSignal; skip(): void }): Promise<Json> => {
      const result = (await model.doGenerate({ ...params, abortSignal: context.signal })) as Json
      const judge = new FinishJudge()
      judge.json({ type: 'finish', finishReason: result.finishReason })
      if (!judge.hasEnded()) context.skip()
      // Neither is part of the answer, and the bodies would be stored twice.
      const { request: _, ...answer } = result
      const { body: __, ...response } = (answer.response ?? {}) as Json
      return { ...answer, response }
    }
    const { value, tier, shared } = await this.cache.getOrSetEntry(key, load, {
      ttl: this.options.ttl,
      tags: tagsOf(this.options, params as ModelCall),
      signal: (params as ModelCall).abortSignal,
      hardTimeout: TIMEOUT,
    })
    const origin = shared ? 'shared' : tier
    this.counts.came(origin)
    if (origin === 'loader') return value
    const replay = this.#replay()
    const result = replay.result(value)
    this.counts.saved(replay.saved)
    return result
  }

  async stream({ model, params }: Wrapped): Promise<unknown> {
    const key = this.#keyOf('stream', model, params)
    if (key === undefined) return model.doStream(params)
    let request: unknown
    const read = await this.cache.streams.open<Json>(
      key,
      async function* ({ signal }) {
        const result = (await model.doStream({ ...params, abortSignal: signal })) as Json
        request = result.request
        yield { headers: (result.response as Json | undefined)?.headers }
        yield* result.stream as AsyncIterable<Json>
      },
      {
        ...streamOptionsOf(this.options),
        tags: tagsOf(this.options, params as ModelCall),
        signal: (params as ModelCall).abortSignal,
        judge: () => new FinishJudge(),
      },
    )
    const head = (await read.next()).value as Json
    this.counts.came(read.origin)
    const replay = read.origin === 'loader' ? undefined : this.#replay()
    const stream = new ReadableStream<Json>({
      pull: async (controller) => {
        const { done, value } = await read.next()
        if (done !== true) return controller.enqueue(replay === undefined ? value : replay.part(value))
        if (replay !== undefined) this.counts.saved(replay.saved)
        controller.close()
      },
      cancel: async () => void (await read.return()),
    })
    return { stream, request, response: { headers: head.headers } }
  }

  #replay(): Replay {
    return new Replay(this.options.ids ?? 'fresh')
  }

  /** `undefined` if the call is passed on. */
  #keyOf(kind: 'generate' | 'stream', model: Model, params: Json): string | undefined {
    const { abortSignal: _, ...call } = params
    const scope = scopeOf(this.options, params as unknown as ModelCall)
    if (scope === undefined) {
      this.counts.passed()
      return undefined
    }
    return requestKey(kind, model.specificationVersion, model.provider, model.modelId, call, scope)
  }
}
