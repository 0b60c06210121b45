// Statements by PostgreSQL's own parser, the optional package libpg-query, and what was parsed lately.
import { LRUCache } from 'lru-cache'
import { show } from '../../model/errors.js'
import { statementOfTree } from './postgres-tree.js'
import type { Statement } from './statement.js'

/** The part of libpg-query that is used. */
interface Parser {
  parse(text: string): Promise<unknown>
}

const parsed = new LRUCache<string, Statement>({ max: 1_000 })
/** Longer statements are parsed each time: a thousand of them would fill the memory. */
const LONGEST_REMEMBERED = 20_000

let loading: Promise<Parser | string> | undefined

/** Parses a statement. Returns why it cannot be parsed, as the end of "it …". */
export async function parseStatement(text: string): Promise<Statement | string> {
  const known = parsed.get(text)
  if (known !== undefined) return known
  loading ??= loadParser()
  const parser = await loading
  if (typeof parser === 'string') return parser
  try {
    const statement = statementOfTree(await parser.parse(text))
    if (text.length <= LONGEST_REMEMBERED) parsed.set(text, statement)
    return statement
  } catch (error) {
    return `cannot be parsed (${error instanceof Error ? error.message : show(error)})`
  }
}

async function loadParser(): Promise<Parser | string> {
  try {
    return (await import('libpg-query')) as unknown as Parser
  } catch {
    return 'has to be parsed, and libpg-query is not installed (npm install libpg-query@17). Install it, or name the tables'
  }
}
