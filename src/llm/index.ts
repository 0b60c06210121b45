// tiercache/llm: answers of language models, streamed and whole: recorded once, shared over the fleet, replayed.
export type { LlmStats } from './counts.js'
export { type LlmFetch, type LlmRequest, llmFetch } from './fetch.js'
export { type LlmMiddleware, llmCache, type ModelCall } from './middleware.js'
export { isDeterministic, type LlmCacheOptions, type StreamCacheOptions } from './options.js'
export {
  type AnswerLoader,
  type AnswerSource,
  StreamCache,
  type StreamGetOptions,
  streamCache,
} from './stream-cache.js'
export type { SavedTokens } from './usage.js'
