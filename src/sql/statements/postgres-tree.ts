// What a parse tree of PostgreSQL says: tables read and written, functions, and what forbids to keep the result.
// The nodes are those of src/include/nodes/parsenodes.h of PostgreSQL, as libpg-query writes them in JSON.
import type { Relation, Statement, TransactionStep } from './statement.js'
import { TIME_WORD, timeRefusal } from './volatile.js'

type Node = Readonly<Record<string, unknown>>

/** What was found in a tree. */
interface Found {
  readonly reads: Relation[]
  readonly writes: Relation[]
  readonly functions: Relation[]
  /** Names of WITH, which hide tables in a part of the statement. */
  readonly hidden: Set<string>
  refusal: string | undefined
}

const WRITES = ['InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']
/** Statements that change neither rows nor the catalogue. */
const HARMLESS = [
  ...['VariableSetStmt', 'VariableShowStmt', 'ListenStmt', 'UnlistenStmt', 'NotifyStmt', 'LockStmt', 'DiscardStmt'],
  ...['FetchStmt', 'ClosePortalStmt', 'DeallocateStmt', 'CheckPointStmt', 'VacuumStmt', 'ConstraintsSetStmt'],
]

/** The statement of a tree. Several statements count as one: the worst of them, with the writes of all. */
export function statementOfTree(tree: unknown): Statement {
  const list = (tree as { readonly stmts?: readonly { readonly stmt: Node }[] }).stmts ?? []
  const statements = list.map(({ stmt }) => statementOf(stmt))
  const [first, ...others] = statements
  if (first === undefined) return statement('harmless', newFound())
  if (others.length === 0) return first
  const worst = (['unknown', 'write', 'read', 'harmless'] as const).find((kind) =>
    statements.some((each) => each.kind === kind),
  )
  return {
    kind: worst ?? 'unknown',
    refusal: 'is more than one statement',
    reads: statements.flatMap(({ reads = [] }) => reads),
    writes: statements.flatMap(({ writes }) => writes),
    functions: statements.flatMap(({ functions = [] }) => functions),
  }
}

function statementOf(node: Node): Statement {
  const [type, body] = Object.entries(node)[0] as [string, Node]
  const found = newFound()
  if (type === 'TransactionStmt') return transactionOf(body, found)
  if (HARMLESS.includes(type)) return statement('harmless', found)
  const inner = innerOf(type, body)
  if (inner === undefined) return statement('unknown', found)
  visit(inner, found)
  if (found.refusal === CREATES) return statement('unknown', found)
  if (found.writes.length > 0) return statement('write', found)
  // EXPLAIN and cursors read, but what they return is not a result to keep.
  if (type !== 'SelectStmt') found.refusal ??= 'is not a SELECT'
  return statement('read', found)
}

/** The part of a statement to look into. `undefined`: nobody knows what it does. */
function innerOf(type: string, body: Node): Node | undefined {
  if (type === 'SelectStmt' || WRITES.includes(type)) return { [type]: body }
  if (type === 'ExplainStmt' || type === 'DeclareCursorStmt') return body.query as Node
  if (type === 'TruncateStmt' && body.behavior !== 'DROP_CASCADE') return { [type]: body }
  if (type === 'RefreshMatViewStmt') return { [type]: body }
  if (type === 'CopyStmt') return body.is_from === true ? { [type]: body } : ((body.query as Node | undefined) ?? {})
  return undefined
}

const CREATES = 'creates a table'

function visit(node: unknown, found: Found): void {
  if (Array.isArray(node)) {
    for (const each of node) visit(each, found)
    return
  }
  if (typeof node !== 'object' || node === null) return
  for (const [type, body] of Object.entries(node as Node)) {
    if (typeof body !== 'object' || body === null) continue
    see(type, body as Node, found)
    visit(body, found)
  }
}

function see(type: string, body: Node, found: Found): void {
  if (WRITES.includes(type) || type === 'RefreshMatViewStmt' || type === 'CopyStmt') {
    found.writes.push(relationOf(body.relation as Node))
    return
  }
  switch (type) {
    case 'TruncateStmt':
      for (const each of body.relations as readonly Node[]) found.writes.push(relationOf(each.RangeVar as Node))
      return
    case 'RangeVar':
      found.reads.push(relationOf(body))
      return
    case 'CommonTableExpr':
      found.hidden.add(body.ctename as string)
      return
    case 'FuncCall':
      found.functions.push(functionOf(body.funcname as readonly Node[]))
      return
    case 'intoClause':
      found.refusal = CREATES
      return
    case 'LockingClause':
      found.refusal ??= 'locks rows (FOR UPDATE or FOR SHARE)'
      return
    case 'RangeTableSample':
      found.refusal ??= 'reads a random sample (TABLESAMPLE)'
      return
    case 'SQLValueFunction':
      if (/_(CURRENT_DATE|CURRENT_TIME|LOCALTIME)/.test(body.op as string))
        found.refusal ??= timeRefusal('current time')
      return
    case 'sval':
      if (TIME_WORD.test(String(body.sval ?? ''))) found.refusal ??= timeRefusal(`'${body.sval}'`)
      return
  }
}

function relationOf(range: Node): Relation {
  const { schemaname, relname } = range
  return { ...(schemaname === undefined ? {} : { schema: schemaname as string }), name: relname as string }
}

function functionOf(names: readonly Node[]): Relation {
  const parts = names.map(({ String: text }) => (text as Node).sval as string)
  const name = parts.at(-1) as string
  return parts.length === 1 ? { name } : { schema: parts.at(-2) as string, name }
}

const STEPS: Readonly<Record<string, TransactionStep['step'] | undefined>> = {
  TRANS_STMT_SAVEPOINT: 'savepoint',
  TRANS_STMT_RELEASE: 'release',
  TRANS_STMT_ROLLBACK_TO: 'rollbackTo',
}

function transactionOf(body: Node, found: Found): Statement {
  // What a prepared transaction has changed is not known here.
  if (body.kind === 'TRANS_STMT_COMMIT_PREPARED') return statement('unknown', found)
  const step = STEPS[body.kind as string]
  const transaction = step === undefined ? undefined : { step, name: String(body.savepoint_name) }
  return { ...statement('harmless', found), transaction }
}

function newFound(): Found {
  return { reads: [], writes: [], functions: [], hidden: new Set(), refusal: undefined }
}

function statement(kind: Statement['kind'], { reads, writes, functions, hidden, refusal }: Found): Statement {
  const hiddenAt = (relation: Relation): Relation =>
    relation.schema === undefined && hidden.has(relation.name) ? { ...relation, isOptional: true } : relation
  return { kind, refusal, reads: reads.map(hiddenAt), writes, functions }
}
