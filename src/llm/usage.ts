// Tokens: a replay costs none, and says how many it saved.

/** Tokens that a provider would have counted. */
export interface SavedTokens {
  readonly input: number
  readonly output: number
}

type Json = Readonly<Record<string, unknown>>

const INPUT = ['inputTokens', 'input_tokens', 'prompt_tokens']
const OUTPUT = ['outputTokens', 'output_tokens', 'completion_tokens']

/** The tokens in a usage object of OpenAI, Anthropic or the AI SDK. */
export function tokensOf(usage: unknown): SavedTokens {
  if (typeof usage !== 'object' || usage === null) return { input: 0, output: 0 }
  return { input: countOf(usage as Json, INPUT), output: countOf(usage as Json, OUTPUT) }
}

function countOf(usage: Json, names: readonly string[]): number {
  for (const name of names) {
    const value = usage[name]
    const count = typeof value === 'object' && value !== null ? (value as Json).total : value
    if (typeof count === 'number') return count
  }
  return 0
}

/** The same usage with every count 0. */
export function noUsage<T>(usage: T): T {
  if (typeof usage === 'number') return 0 as T
  if (typeof usage !== 'object' || usage === null || Array.isArray(usage)) return usage
  const entries = Object.entries(usage).filter(([name]) => name !== 'raw')
  return Object.fromEntries(entries.map(([name, value]) => [name, noUsage(value)])) as T
}
