// An index in Redis 8: one vector set per scope, shared by all processes.
import type { Duration } from '../../index.js'
import { checkCount, checkMethods, checkOptions, invalid } from '../../model/option-rules.js'
import { toMs } from '../../model/options/duration.js'
import type { Candidate, VectorIndex } from './vector-index.js'

/** What is needed of a Redis client: `call` of ioredis. */
export interface VectorCommands {
  call(command: string, ...args: (string | number | Buffer)[]): Promise<unknown>
}

/** Options of `redisVectors`. */
export interface RedisVectorsOptions {
  /** What the keys begin with. Default 'tiercache:vectors'. */
  readonly prefix?: string | undefined
  /** The most vectors of a scope: others are forgotten at random. Default 100,000. */
  readonly maxPerScope?: number | undefined
  /** How long a scope is kept that nothing is added to. Default '7d'. */
  readonly keepFor?: Duration | undefined
}

/**
 * Returns an index in Redis 8 or later, which has vector sets. Costs one command per search and three per added vector. Vectors have one
 * byte per dimension there, so the similarity it returns is approximate. An element of a vector set has no ttl: an id is removed when its
 * entry was found to be gone.
 */
export function redisVectors(client: VectorCommands, options?: RedisVectorsOptions): VectorIndex {
  const own = checkOptions(options, ['prefix', 'maxPerScope', 'keepFor'], 'redisVectors')
  const prefix = own?.prefix ?? 'tiercache:vectors'
  if (typeof prefix !== 'string' || prefix === '') throw invalid('prefix', 'a text', prefix)
  return new RedisVectors(
    checkMethods(client, 'client', ['call'], 'a Redis client with call, such as that of ioredis'),
    {
      prefix,
      maxPerScope: checkCount(own?.maxPerScope ?? 100_000, 'maxPerScope', 1, 100_000_000),
      keepMs: toMs(own?.keepFor ?? '7d', 'keepFor', 'positive'),
    },
  )
}

interface Rules {
  readonly prefix: string
  readonly maxPerScope: number
  readonly keepMs: number
}

class RedisVectors implements VectorIndex {
  readonly #client: VectorCommands
  readonly #rules: Rules

  constructor(client: VectorCommands, rules: Rules) {
    this.#client = client
    this.#rules = rules
  }

  async add(scope: string, id: string, vector: Float32Array): Promise<void> {
    const key = this.#keyOf(scope)
    const { keepMs, maxPerScope } = this.#rules
    const added = this.#client.call('VADD', key, 'FP32', bytesOf(vector), id)
    const kept = this.#client.call('PEXPIRE', key, keepMs)
    const counted = this.#client.call('VCARD', key)
    const [, , count] = await Promise.all([added, kept, counted])
    const over = Number(count) - maxPerScope
    if (over <= 0) return
    const drawn = await this.#client.call('VRANDMEMBER', key, over + 1)
    const others = (Array.isArray(drawn) ? drawn.map(String) : []).filter((one) => one !== id)
    await this.remove(scope, others.slice(0, over))
  }

  async search(scope: string, vector: Float32Array, count: number): Promise<readonly Candidate[]> {
    const key = this.#keyOf(scope)
    const reply = await this.#client.call('VSIM', key, 'FP32', bytesOf(vector), 'WITHSCORES', 'COUNT', count)
    const found = pairsOf(reply).map(([id, score]) => ({ id, similarity: cosineOf(Number(score)) }))
    return found.sort((a, b) => b.similarity - a.similarity)
  }

  async remove(scope: string, ids: readonly string[]): Promise<void> {
    const key = this.#keyOf(scope)
    await Promise.all(ids.map((id) => this.#client.call('VREM', key, id)))
  }

  #keyOf(scope: string): string {
    return `${this.#rules.prefix}:${scope}`
  }
}

/** VSIM returns (1 + cosine) / 2. */
function cosineOf(score: number): number {
  return Math.min(1, Math.max(0, 2 * score - 1))
}

/** The reply is a flat list in RESP2, and a map in RESP3, which clients show as a list, an object or a Map. */
function pairsOf(reply: unknown): [id: string, score: unknown][] {
  if (reply instanceof Map) return [...reply].map(([id, score]) => [String(id), score])
  if (!Array.isArray(reply)) return Object.entries(reply ?? {})
  if (Array.isArray(reply[0])) return reply.map(([id, score]) => [String(id), score])
  return Array.from({ length: reply.length / 2 }, (_, i) => [String(reply[2 * i]), reply[2 * i + 1]])
}

/** 32-bit floats, the least significant byte first, whatever the order of this machine. */
function bytesOf(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(vector.length * 4)
  vector.forEach((one, i) => void bytes.writeFloatLE(one, 4 * i))
  return bytes
}
