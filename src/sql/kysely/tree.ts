// What an AST of Kysely says of a statement. A part that is raw SQL may say anything, so then the text has to be parsed.
import type { Relation, Statement } from '../statements/statement.js'
import type { KyselyNode } from './types.js'

type Node = KyselyNode & Readonly<Record<string, unknown>>

interface Found {
  readonly reads: Relation[]
  readonly writes: Relation[]
  readonly functions: Relation[]
  readonly hidden: Set<string>
  locks: boolean
  isRaw: boolean
}

/** Where each statement that writes names its table. */
const TARGETS: Readonly<Record<string, string>> = {
  InsertQueryNode: 'into',
  UpdateQueryNode: 'table',
  DeleteQueryNode: 'from',
  MergeQueryNode: 'into',
}

/** The statement of an AST. `undefined`: a part of it is raw SQL. */
export function statementOfKysely(root: KyselyNode): Statement | undefined {
  if (root.kind !== 'SelectQueryNode' && TARGETS[root.kind] === undefined)
    return root.kind === 'RawNode' ? undefined : { kind: 'unknown', reads: undefined, writes: [], functions: undefined }
  const found: Found = { reads: [], writes: [], functions: [], hidden: new Set(), locks: false, isRaw: false }
  visit(root as Node, found)
  if (found.isRaw) return undefined
  const hiddenAt = (relation: Relation): Relation =>
    relation.schema === undefined && found.hidden.has(relation.name) ? { ...relation, isOptional: true } : relation
  return {
    kind: found.writes.length > 0 ? 'write' : 'read',
    refusal: found.locks ? 'locks rows (FOR UPDATE or FOR SHARE)' : undefined,
    reads: found.reads.map(hiddenAt),
    writes: found.writes,
    functions: found.functions,
  }
}

function visit(node: Node, found: Found): void {
  see(node, found)
  for (const [name, value] of Object.entries(node)) {
    // The table of a column is an alias, or is named by FROM as well.
    if (node.kind === 'ReferenceNode' && name === 'table') continue
    for (const each of Array.isArray(value) ? value : [value]) {
      if (typeof (each as Node | undefined)?.kind === 'string') visit(each as Node, found)
    }
  }
}

function see(node: Node, found: Found): void {
  const target = TARGETS[node.kind]
  if (target !== undefined) found.writes.push(...tablesIn(node[target]))
  switch (node.kind) {
    case 'TableNode':
      found.reads.push(relationOf(node))
      return
    case 'CommonTableExpressionNameNode':
      found.hidden.add(relationOf(node.table as Node).name)
      return
    case 'FunctionNode':
    case 'AggregateFunctionNode': {
      const [name, schema] = String(node.func).split('.').reverse() as [string, string | undefined]
      found.functions.push(schema === undefined ? { name } : { schema, name })
      return
    }
    case 'SelectModifierNode':
      if (/^(?:For|NoWait|SkipLocked)/.test(String(node.modifier))) found.locks = true
      return
    case 'ValueNode':
      // A value within the text, such as 'today', may be read as a date that moves.
      if (node.immediate === true && typeof node.value === 'string') found.isRaw = true
      return
    case 'RawNode':
      if ((node.sqlFragments as readonly string[]).some((fragment) => fragment.trim() !== '')) found.isRaw = true
      return
    case 'DataTypeNode':
    case 'ExplainNode':
      found.isRaw ||= node.kind === 'ExplainNode'
      return
  }
}

function tablesIn(value: unknown): Relation[] {
  if (Array.isArray(value)) return value.flatMap(tablesIn)
  const node = value as Node | undefined
  switch (node?.kind) {
    case 'TableNode':
      return [relationOf(node)]
    case 'AliasNode':
      return tablesIn(node.node)
    case 'FromNode':
      return tablesIn(node.froms)
    case 'ListNode':
      return tablesIn(node.items)
    default:
      return []
  }
}

function relationOf({ table }: Node): Relation {
  const { schema, identifier } = table as {
    readonly schema?: { readonly name: string }
    readonly identifier: { readonly name: string }
  }
  return schema === undefined ? { name: identifier.name } : { schema: schema.name, name: identifier.name }
}
