// The options of a semantic cache, and what they resolve to.
import { isDeepStrictEqual } from 'node:util'
import type { Duration } from '../index.js'
import { checkCount, checkMethods, checkNames, checkNumber, checkOneOf, invalid } from '../model/option-rules.js'
import { toMs } from '../model/options/duration.js'
import type { Milliseconds } from '../model/ports.js'
import { type Guard, type GuardLevel, guardOf } from './guard/guard.js'
import { refusalOf } from './guard/refusal.js'
import { bruteForce } from './indexes/brute-force.js'
import type { VectorIndex } from './indexes/vector-index.js'

/** The model that computes embeddings. */
export interface EmbedOptions {
  /** The name of the model. Vectors of another one are never compared with its own. */
  readonly id: string
  /** How many numbers an embedding has. */
  readonly dims: number
  /** Returns one embedding per text, in their order. They need not have length 1. */
  run(texts: string[]): Promise<readonly ArrayLike<number>[]> | readonly ArrayLike<number>[]
  /** The most texts of one call. Default 96. */
  readonly maxBatch?: number | undefined
}

/** A question that is more than a text, such as a request with its tenant. */
export interface QuestionObject {
  readonly text: string
}

/** Options of `semanticCache`. */
export interface SemanticOptions<V, Q extends string | QuestionObject = string> {
  /** The name: a namespace of the cache. */
  readonly name: string
  readonly embed: EmbedOptions
  /** What may not be mixed: tenant, user, model, system prompt. No answer of another scope is ever found. Default: one scope. */
  readonly scope?: ((question: Q) => readonly (string | number)[]) | undefined
  /** The least cosine similarity of a hit, 0 to 1. Default 0.95. */
  readonly threshold?: number | undefined
  /** What is compared before the threshold counts. A function replaces it; `false` leaves it out. Default 'strict'. */
  readonly guard?: GuardLevel | Guard | false | undefined
  /** Words that may replace each other for the guard, in groups. */
  readonly synonyms?: readonly (readonly string[])[] | undefined
  /** Returns why a question is not cached at all. Default: `refusalOf`, which refuses what depends on "my" or "today". */
  readonly refuse?: ((text: string, question: Q) => string | undefined) | undefined
  /** The last word before an answer is served for a similar question: a model, or a rule of yours. */
  readonly verify?: ((question: string, matched: string, value: V) => boolean | Promise<boolean>) | undefined
  /** Whether two answers are the same: how `'observe'` tells a false hit. Default: `verify`, or else deep equality. */
  readonly same?: ((loaded: V, cached: V) => boolean | Promise<boolean>) | undefined
  /** How many of the hits of an entry may be wrong before its own threshold rises above them. Default 0.01. */
  readonly maxErrorRate?: number | undefined
  /** `'observe'` serves no similar answer and measures how many would have been wrong. Default 'observe'. */
  readonly mode?: 'observe' | 'serve' | undefined
  /** Default: `bruteForce()`. */
  readonly index?: VectorIndex | undefined
  /** How many of the nearest are looked at. Default 5. */
  readonly candidates?: number | undefined
  /** How long embedding and index may take before the question is loaded. Default '2s'. */
  readonly timeout?: Duration | undefined
  /** Default '1h'. */
  readonly ttl?: Duration | undefined
  readonly tags?: readonly string[] | ((question: Q) => readonly string[]) | undefined
  /** Receives what failed while a question was loaded all the same. Default: a warning of the process, once per kind. */
  readonly onError?: ((error: unknown, part: SemanticPart) => void) | undefined
}

/** What can fail without a caller noticing. */
export type SemanticPart = 'embed' | 'index' | 'verify' | 'same' | 'learn'

/** The options, resolved. */
export interface SemanticRules<V, Q> {
  readonly embed: EmbedOptions
  readonly scope: (question: Q) => readonly (string | number)[]
  readonly threshold: number
  readonly guard: Guard
  readonly refuse: (text: string, question: Q) => string | undefined
  readonly verify: SemanticOptions<V>['verify']
  readonly same: (question: string, matched: string, loaded: V, cached: V) => boolean | Promise<boolean>
  readonly maxErrorRate: number
  readonly mode: 'observe' | 'serve'
  readonly index: VectorIndex
  readonly candidates: number
  readonly timeoutMs: Milliseconds
  readonly tags: (question: Q) => readonly string[]
  readonly onError: SemanticOptions<V>['onError']
}

const OPTIONS = [
  ...['name', 'embed', 'scope', 'threshold', 'guard', 'synonyms', 'refuse', 'verify', 'same', 'maxErrorRate', 'mode'],
  ...['index', 'candidates', 'timeout', 'ttl', 'tags', 'onError'],
]
const METHODS = ['add', 'search', 'remove']

/** Checks and resolves options. Throws `INVALID_OPTION`. */
export function semanticRulesOf<V, Q extends string | QuestionObject>(
  options: SemanticOptions<V, Q>,
): SemanticRules<V, Q> {
  const own = checkNames(options, OPTIONS, 'semanticCache')
  for (const name of ['scope', 'refuse', 'verify', 'same', 'onError'] as const) {
    if (own[name] !== undefined && typeof own[name] !== 'function') throw invalid(name, 'a function', own[name])
  }
  const { verify, same, tags } = own
  return {
    embed: checkEmbed(own.embed),
    scope: own.scope ?? (() => []),
    threshold: checkNumber(own.threshold ?? 0.95, 'threshold', 0, 1),
    guard: guardRule(own),
    refuse: own.refuse ?? refusalOf,
    verify,
    same: same ? (_q, _m, a, b) => same(a, b) : sameBy(verify),
    maxErrorRate: checkNumber(own.maxErrorRate ?? 0.01, 'maxErrorRate', 0, 1),
    mode: checkOneOf(own.mode ?? 'observe', 'mode', ['observe', 'serve']),
    index: checkMethods(own.index ?? bruteForce(), 'index', METHODS, 'an index, such as bruteForce()'),
    candidates: checkCount(own.candidates ?? 5, 'candidates', 1, 1_000),
    timeoutMs: toMs(own.timeout ?? '2s', 'timeout', 'positive'),
    tags: typeof tags === 'function' ? tags : () => tags ?? [],
    onError: own.onError,
  }
}

function sameBy<V>(verify: SemanticOptions<V>['verify']): SemanticRules<V, never>['same'] {
  if (verify === undefined) return (_question, _matched, loaded, cached) => isDeepStrictEqual(loaded, cached)
  return (question, matched, _loaded, cached) => verify(question, matched, cached)
}

function guardRule({ guard = 'strict', synonyms }: SemanticOptions<never, never>): Guard {
  if (guard === false) return () => undefined
  if (typeof guard === 'function') return guard
  return guardOf(checkOneOf(guard, 'guard', ['strict', 'facts']), synonyms)
}

function checkEmbed(embed: EmbedOptions): EmbedOptions {
  const own = checkNames(embed, ['id', 'dims', 'run', 'maxBatch'], 'embed')
  if (typeof own.id !== 'string' || own.id === '') throw invalid('embed.id', 'the name of the model', own.id)
  if (typeof own.run !== 'function') throw invalid('embed.run', 'a function of texts', own.run)
  checkCount(own.dims, 'embed.dims', 1, 65_536)
  checkCount(own.maxBatch ?? 96, 'embed.maxBatch', 1, 1_000_000)
  return own
}
