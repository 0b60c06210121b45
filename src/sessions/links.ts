// What items of the common SDKs say of themselves: their id, whether they are instructions, and which tool call they make or answer.

/** The tool calls that an item makes, and those whose results it has, by their ids. */
export interface ToolLinks {
  readonly calls: readonly string[]
  readonly results: readonly string[]
}

type Fields = Readonly<Record<string, unknown>>

/** The field with the id of the call, by the `type` of an item or a part. */
const CALLS: ReadonlyMap<unknown, string> = new Map([
  ['function_call', 'call_id'],
  ['tool_use', 'id'],
  ['tool-call', 'toolCallId'],
])
const RESULTS: ReadonlyMap<unknown, string> = new Map([
  ['function_call_output', 'call_id'],
  ['tool_result', 'tool_use_id'],
  ['tool-result', 'toolCallId'],
])

/** The `id` of an item that has one as a string: what an `append` that is repeated is known by. */
export function idOf(item: unknown): string | undefined {
  const { id } = fieldsOf(item)
  return typeof id === 'string' ? id : undefined
}

/** Whether an item has the role `system` or `developer`. */
export function isInstruction(item: unknown): boolean {
  const { role } = fieldsOf(item)
  return role === 'system' || role === 'developer'
}

/**
 * Knows the messages and items of OpenAI (`tool_calls` and `tool_call_id`, `function_call` and `function_call_output`), Anthropic
 * (`tool_use` and `tool_result` in `content`) and the AI SDK (`tool-call` and `tool-result` in `content`; its UI messages have both in one).
 */
export function toolLinksOf(item: unknown): ToolLinks {
  const calls: string[] = []
  const results: string[] = []
  const add = (ids: string[], id: unknown) => {
    if (typeof id === 'string') ids.push(id)
  }
  const message = fieldsOf(item)
  for (const call of listOf(message.tool_calls)) add(calls, call.id)
  if (message.role === 'tool') add(results, message.tool_call_id)
  for (const part of [message, ...listOf(message.content)]) {
    const call = CALLS.get(part.type)
    if (call !== undefined) add(calls, part[call])
    const result = RESULTS.get(part.type)
    if (result !== undefined) add(results, part[result])
  }
  return { calls, results }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}

function listOf(value: unknown): readonly Fields[] {
  return Array.isArray(value) ? value.map(fieldsOf) : []
}
