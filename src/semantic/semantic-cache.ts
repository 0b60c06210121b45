// `semanticCache`: an answer for a question, or for one that asks the same in other words.
import type { Cache, LoadContext, WriteResult } from '../index.js'
import { checkOptions, invalid } from '../model/option-rules.js'
import { digestOf, Embeddings } from './embeddings.js'
import { Failures, within } from './failures.js'
import { hasToolCalls } from './guard/refusal.js'
import {
  type EntryRecord,
  lowestThreshold,
  type MeasuredRate,
  measuredRate,
  type Observation,
  withHit,
} from './observation.js'
import {
  type QuestionObject,
  type SemanticOptions,
  type SemanticPart,
  type SemanticRules,
  semanticRulesOf,
} from './options.js'
import { type Asked, entryKey, type Found, type Kept, pairOf, recordKey, rejectionKey, Search } from './search.js'

/** Options of `get`. */
export interface AskOptions<V> {
  /** Gets the answer from the model. */
  load(context: LoadContext | undefined): V | Promise<V>
  readonly signal?: AbortSignal | undefined
}

/** An answer, and where it came from. */
export interface Answer<V> {
  readonly value: V
  /** exact: this question was answered before. semantic: a similar one was. loaded: `load` was called, by this caller or one with the same question. */
  readonly from: 'exact' | 'semantic' | 'loaded'
  /** The cosine similarity of the question that was matched, 0 to 1. In `'observe'`, of the one that would have been served. */
  readonly similarity: number | undefined
  /** The question that was matched, or would have been. */
  readonly matched: string | undefined
  /** Why the question was not cached at all. */
  readonly refused: string | undefined
  /** What `reject` needs of a semantic answer. A string without the text of a question. */
  readonly pair: string | undefined
}

/** What a semantic cache did in this process. */
export interface SemanticReport {
  readonly exact: number
  readonly semantic: number
  readonly loaded: number
  /** Questions that were not cached, by reason. */
  readonly refused: Readonly<Record<string, number>>
  /** Questions above the threshold that the guard kept apart, by reason. */
  readonly disagreed: Readonly<Record<string, number>>
  /** Similar answers that were compared with what was loaded (`'observe'`). */
  readonly observed: MeasuredRate
  /** The lowest threshold whose rate of false hits is at most `maxErrorRate` by its upper bound; `undefined` if too little was observed. */
  readonly learnedThreshold: number | undefined
  readonly failures: Readonly<Record<SemanticPart, number>>
}

/** A flight shares this with all who asked the same. */
interface Outcome<V> extends Kept<V> {
  readonly match?: {
    readonly isServed: boolean
    readonly similarity: number
    readonly matched: string
    readonly id: string
  }
}

const MAX_OBSERVATIONS = 10_000
const MAX_REASONS = 100

/**
 * The answers of one cache and name.
 *
 * Invariant: a value comes from the cache or from `load`, never from the index, so whatever makes an entry end ends it here.
 */
export class SemanticCache<V, Q extends string | QuestionObject = string> {
  readonly #cache: Cache
  readonly #rules: SemanticRules<V, Q>
  readonly #embeddings: Embeddings
  readonly #failures: Failures
  readonly #search: Search<V>
  readonly #counts = { exact: 0, semantic: 0, loaded: 0, observed: 0, falseHits: 0 }
  readonly #refused = new Map<string, number>()
  readonly #disagreed = new Map<string, number>()
  readonly #observations: Observation[] = []
  readonly #background = new Set<Promise<void>>()

  /** @internal Made by `semanticCache()`. */
  constructor(cache: Cache, options: SemanticOptions<V, Q>) {
    this.#rules = semanticRulesOf(options)
    this.#cache = cache.namespace(options.name, { ttl: options.ttl ?? '1h' })
    this.#embeddings = new Embeddings(this.#cache, this.#rules.embed)
    this.#failures = new Failures(options.name, this.#rules.onError)
    const onDisagreement = (reason: string) => count(this.#disagreed, reason)
    this.#search = new Search(this.#cache, this.#rules as SemanticRules<V, never>, this.#failures, onDisagreement)
  }

  /**
   * Returns the answer of a question: its own, that of a similar one, or what `load` returns. One load runs per question, in all processes
   * that share an L2. Rejects as `getOrSet` does. If the embedder or the index fails, the question is loaded.
   */
  async get(question: Q, options: AskOptions<V>): Promise<Answer<V>> {
    const own = checkOptions(options, ['load', 'signal'], 'get')
    if (typeof own?.load !== 'function') throw invalid('load', 'a function', own?.load)
    const text = textOf(question)
    const refused = this.#rules.refuse(text, question)
    if (refused !== undefined) return this.#refuse(refused, own)
    const [scope, id] = this.#placeOf(question)
    let asked: Asked | undefined
    let isLoader = false
    const { value: outcome, tier } = await this.#cache.getOrSetEntry<Outcome<V>>(
      entryKey(scope, id),
      async (context) => {
        isLoader = true
        asked = await this.#ask(text, scope, id)
        return this.#outcome(asked, text, context, own)
      },
      { tags: [...this.#rules.tags(question)], signal: own.signal },
    )
    if (isLoader && asked !== undefined && outcome.match?.isServed !== true && isKeepable(outcome.value))
      this.#add(asked)
    else if (!isLoader && outcome.vector !== undefined) this.#learn({ scope, id, vector: outcome.vector })
    return this.#answer(outcome, scope, id, isLoader || tier === 'loader')
  }

  /**
   * Keeps this pair of questions apart for good, in every process, for as long as Redis keeps it; raises the threshold of the entry, too.
   * Takes what `get` returned, also from another process. Throws `INVALID_OPTION` for an answer that no similar question gave.
   */
  async reject(answer: Pick<Answer<V>, 'pair' | 'similarity'>): Promise<WriteResult> {
    const [scope, asked, matched] = typeof answer?.pair === 'string' ? answer.pair.split(':') : []
    if (scope === undefined || asked === undefined || matched === undefined) {
      throw invalid('the argument of reject', "an answer of get whose from is 'semantic'", answer)
    }
    const forever = { ttl: Number.POSITIVE_INFINITY, jitter: 0 } as const
    const result = await this.#cache.set(rejectionKey(scope, pairOf(asked, matched)), true, forever)
    await this.#record(scope, matched, answer.similarity ?? 0, false)
    return result
  }

  /** Removes the answer of a question: no process serves it again, for a similar question neither. */
  delete(question: Q): Promise<WriteResult> {
    return this.#cache.delete(entryKey(...this.#placeOf(question)))
  }

  /** Removes all answers, embeddings and rejected pairs of this name. */
  clear(): Promise<WriteResult> {
    return this.#cache.clear()
  }

  /** Returns what was done and measured in this process. */
  report(): SemanticReport {
    const { exact, semantic, loaded, observed, falseHits } = this.#counts
    return {
      ...{ exact, semantic, loaded },
      refused: Object.fromEntries(this.#refused),
      disagreed: Object.fromEntries(this.#disagreed),
      observed: measuredRate(falseHits, observed),
      learnedThreshold: lowestThreshold(this.#observations, this.#rules.maxErrorRate),
      failures: this.#failures.counts,
    }
  }

  /** Resolves when what was loaded is in the index, and what was measured is stored. */
  async drain(): Promise<void> {
    while (this.#background.size > 0) await Promise.all(this.#background)
  }

  async #refuse(refused: string, { load }: AskOptions<V>): Promise<Answer<V>> {
    count(this.#refused, refused)
    this.#counts.loaded++
    const value = await load(undefined)
    return { value, from: 'loaded', similarity: undefined, matched: undefined, refused, pair: undefined }
  }

  /** `undefined` if the text has no embedding now. */
  async #ask(text: string, scope: string, id: string): Promise<Asked | undefined> {
    try {
      const vector = await within(this.#rules.timeoutMs, 'an embedding', this.#embeddings.of(text))
      return { text, scope, id, vector }
    } catch (error) {
      this.#failures.report('embed', error)
      return undefined
    }
  }

  async #outcome(
    asked: Asked | undefined,
    question: string,
    context: LoadContext,
    { load }: AskOptions<V>,
  ): Promise<Outcome<V>> {
    // A refresh wants a new answer, not that of a neighbour.
    const found = asked && context.reason === 'miss' ? await this.#search.find(asked) : undefined
    const isServed = found?.isHit === true && this.#rules.mode === 'serve' && (await this.#isVerified(question, found))
    if (found !== undefined && isServed) {
      context.skip()
      return { question, vector: undefined, value: found.kept.value, match: matchOf(found, true) }
    }
    const value = await load(context)
    if (!isKeepable(value)) {
      context.skip()
      if (hasToolCalls(value)) count(this.#refused, 'tool call')
    }
    if (asked && found && this.#rules.mode === 'observe') this.#observe(asked, found, value)
    const kept = { question, vector: asked?.vector, value }
    return found?.isHit && this.#rules.mode === 'observe' ? { ...kept, match: matchOf(found, false) } : kept
  }

  async #isVerified(question: string, { kept }: Found<V>): Promise<boolean> {
    try {
      return (await (this.#rules.verify?.(question, kept.question, kept.value) ?? true)) === true
    } catch (error) {
      this.#failures.report('verify', error)
      return false
    }
  }

  /** Compares what was loaded with what a similar question would have got. */
  #observe(asked: Asked, { id, kept, similarity, isHit }: Found<V>, loaded: V): void {
    this.#inBackground('same', async () => {
      const isSame = (await this.#rules.same(asked.text, kept.question, loaded, kept.value)) === true
      this.#observations.push({ similarity, isSame })
      if (this.#observations.length > MAX_OBSERVATIONS) this.#observations.shift()
      if (!isHit) return
      this.#counts.observed++
      if (!isSame) this.#counts.falseHits++
      await this.#record(asked.scope, id, similarity, isSame)
    })
  }

  async #record(scope: string, id: string, similarity: number, isSame: boolean): Promise<void> {
    try {
      const next = (record: EntryRecord | undefined) => withHit(record, similarity, isSame)
      await this.#cache.update<EntryRecord>(recordKey(scope, id), next, { ttl: Number.POSITIVE_INFINITY, jitter: 0 })
    } catch (error) {
      this.#failures.report('learn', error)
    }
  }

  /** Adds what was loaded. */
  #add({ scope, id, vector }: Pick<Asked, 'scope' | 'id' | 'vector'>): void {
    this.#inBackground('index', async () => this.#rules.index.add(scope, id, vector))
  }

  /** An index of this process alone gets to know what other processes loaded when it is read here. */
  #learn(place: Pick<Asked, 'scope' | 'id' | 'vector'>): void {
    if (this.#rules.index.isLocal === true) this.#add(place)
  }

  #answer({ value, match }: Outcome<V>, scope: string, id: string, isLoaded: boolean): Answer<V> {
    // What was observed when an entry was loaded is stored with it, and says nothing about a later reader.
    const seen = isLoaded ? match : undefined
    const from = seen?.isServed ? 'semantic' : isLoaded ? 'loaded' : 'exact'
    this.#counts[from]++
    return {
      ...{ value, from, similarity: seen?.similarity, matched: seen?.matched, refused: undefined },
      pair: seen && `${scope}:${id}:${seen.id}`,
    }
  }

  /** An answer of another scope has another key, and its vector is in another index. */
  #placeOf(question: Q): [scope: string, id: string] {
    const { embed, scope } = this.#rules
    const parts = scope(question)
    const isList = Array.isArray(parts) && parts.every((one) => typeof one === 'string' || Number.isFinite(one))
    if (!isList) throw invalid('what scope returns', 'an array of strings and numbers', parts)
    const name = digestOf(embed.id, String(embed.dims), JSON.stringify(parts))
    return [name, digestOf(textOf(question))]
  }

  #inBackground(part: SemanticPart, work: () => Promise<void>): void {
    const done: Promise<void> = work()
      .catch((error) => this.#failures.report(part, error))
      .finally(() => this.#background.delete(done))
    this.#background.add(done)
  }
}

/** The text of a question as it is compared: composed characters, single spaces. Case counts: Polish is not polish. */
function textOf(question: string | QuestionObject): string {
  const text = typeof question === 'string' ? question : question?.text
  if (typeof text !== 'string' || text.trim() === '')
    throw invalid('the question', 'a text, or an object with a text', question)
  return text.normalize('NFC').trim().replace(/\s+/g, ' ')
}

function isKeepable(value: unknown): boolean {
  return value !== undefined && value !== null && !hasToolCalls(value)
}

function matchOf({ id, similarity, kept }: Found<unknown>, isServed: boolean): NonNullable<Outcome<unknown>['match']> {
  return { isServed, similarity, matched: kept.question, id }
}

function count(counts: Map<string, number>, reason: string): void {
  const key = counts.size < MAX_REASONS || counts.has(reason) ? reason : 'other'
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
