// The parts of Kysely that are used, by shape.

/** A node of Kysely's AST. */
export interface KyselyNode {
  readonly kind: string
}

/** A compiled query of Kysely. */
export interface KyselyQuery {
  readonly query: KyselyNode
  readonly sql: string
  readonly parameters: readonly unknown[]
}

/** A result of Kysely's drivers. */
export interface KyselyResult {
  readonly rows: unknown[]
}

/** A connection of Kysely's drivers. */
export interface KyselyConnection {
  // biome-ignore lint/suspicious/noExplicitAny: Kysely lets each caller name the rows.
  executeQuery(query: any): Promise<any>
  // biome-ignore lint/suspicious/noExplicitAny: as above.
  streamQuery(query: any, chunkSize?: number): AsyncIterableIterator<any>
}

/** A driver of Kysely. */
export interface KyselyDriver {
  init(): Promise<void>
  acquireConnection(): Promise<KyselyConnection>
  beginTransaction(connection: KyselyConnection, settings: never): Promise<void>
  commitTransaction(connection: KyselyConnection): Promise<void>
  rollbackTransaction(connection: KyselyConnection): Promise<void>
  readonly savepoint?: ((connection: KyselyConnection, name: string, compile: never) => Promise<void>) | undefined
  readonly rollbackToSavepoint?:
    | ((connection: KyselyConnection, name: string, compile: never) => Promise<void>)
    | undefined
  readonly releaseSavepoint?:
    | ((connection: KyselyConnection, name: string, compile: never) => Promise<void>)
    | undefined
  releaseConnection(connection: KyselyConnection): Promise<void>
  destroy(): Promise<void>
}

/** A dialect of Kysely. */
export interface KyselyDialect {
  createDriver(): KyselyDriver
}

/** What can be executed: a query builder, or a raw `sql` with its database. */
export interface KyselyExecutable<Result> {
  execute(): Promise<Result>
}
