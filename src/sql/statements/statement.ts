// What is known of one SQL statement: from a parser, from an AST, or from its words alone.

/** A table or view, by its identifiers as the catalogue has them, without quotes. Without a schema, the search path decides. */
export interface Relation {
  readonly schema?: string | undefined
  readonly name: string
  /** It may be no relation at all, such as a name of WITH: if the catalogue does not have it, nothing is wrong. */
  readonly isOptional?: true | undefined
}

/** What a statement does to transactions. */
export interface TransactionStep {
  readonly step: 'savepoint' | 'release' | 'rollbackTo'
  readonly name: string
}

/** One SQL statement, as far as it is known. */
export interface Statement {
  /** `'read'` changes nothing by itself; `'write'` changes `writes`; `'harmless'` neither reads nor changes rows; `'unknown'` may change anything. */
  readonly kind: 'read' | 'write' | 'harmless' | 'unknown'
  /** Why its result cannot be kept although it reads, as the end of "it …". */
  readonly refusal?: string | undefined
  /** The relations that it reads. `undefined`: not known. */
  readonly reads: readonly Relation[] | undefined
  readonly writes: readonly Relation[]
  /** The functions that it calls. `undefined`: not known. */
  readonly functions: readonly Relation[] | undefined
  readonly transaction?: TransactionStep | undefined
}

/** The relation that a caller names as `'items'` or `'shop.items'`. The first dot ends the schema. */
export function relationOf(name: string): Relation {
  const dot = name.indexOf('.')
  return dot === -1 ? { name } : { schema: name.slice(0, dot), name: name.slice(dot + 1) }
}

/** The name of a relation for people. */
export function nameOf({ schema, name }: Relation): string {
  return schema === undefined ? name : `${schema}.${name}`
}
