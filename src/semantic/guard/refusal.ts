// Which questions have an answer for one person or one moment only, and which answers are not for keeping. Pure functions. English.

/** Why a question or its answer is not cached. */
export type Refusal =
  /** It depends on who asks. */
  | 'personal'
  /** It depends on when it is asked. */
  | 'time'
  /** The answer asks the application to call a tool, which has effects. */
  | 'tool call'

const PERSONAL =
  /\b(?:my|mine|our|ours|myself|ourselves|(?:am|was|did|have|had|do) (?:i|we) (?:still |already |ever )?(?:owe|have|own|order|ordered|paid|pay|eligible|allowed|registered|get)?|i am|i'm|i've|i have|we have|we are|we're)\b/i
const TIME =
  /\b(?:today|tonight|yesterday|tomorrow|now|nowadays|currently|current|recent|recently|latest|newest|ago|upcoming|so far|at the moment|(?:this|last|next|past|coming) (?:second|minute|hour|morning|afternoon|evening|night|day|week|weekend|month|quarter|year|monday|tuesday|wednesday|thursday|friday|saturday|sunday|january|february|march|april|may|june|july|august|september|october|november|december))\b/i

/** Returns why a question is not cached; `undefined` if nothing speaks against it. "How do I" is a question of everybody. */
export function refusalOf(text: string): Refusal | undefined {
  const plain = text.replaceAll('’', "'")
  if (
    PERSONAL.test(
      plain.replace(/\b(?:how|where|what|when|why|which) (?:\w+ )?(?:do|can|should|could|would) (?:i|we)\b/gi, ''),
    )
  )
    return 'personal'
  return TIME.test(plain) ? 'time' : undefined
}

/** Whether an answer has tool calls, as the OpenAI, Anthropic and Vercel AI SDKs write them. */
export function hasToolCalls(value: unknown): boolean {
  return isCalling(value, 0)
}

const LISTS = ['tool_calls', 'toolCalls']
const INSIDE = ['message', 'choices', 'content', 'output', 'messages', 'parts', 'response', 'steps']
const TYPES: ReadonlySet<unknown> = new Set(['tool_use', 'tool-call', 'function_call', 'tool_call', 'server_tool_use'])

function isCalling(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null || depth > 6) return false
  if (Array.isArray(value)) return value.some((one) => isCalling(one, depth + 1))
  const part = value as Readonly<Record<string, unknown>>
  if (TYPES.has(part.type) || (typeof part.function_call === 'object' && part.function_call !== null)) return true
  if (LISTS.some((name) => Array.isArray(part[name]) && part[name].length > 0)) return true
  return INSIDE.some((name) => isCalling(part[name], depth + 1))
}
