// The parts of pg that are used, by shape: any copy of pg 8 fits.

/** Returns the parser of a type, as pg's `types` does. */
export interface TypeParsers {
  getTypeParser(oid: number, format?: 'text' | 'binary'): (raw: never) => unknown
}

/** A column of a result. */
export interface PgField {
  readonly name: string
  readonly tableID: number
  readonly columnID: number
  readonly dataTypeID: number
  readonly dataTypeSize: number
  readonly dataTypeModifier: number
  readonly format: string
}

/** A result of pg. */
export interface PgResult {
  command: string
  rowCount: number | null
  oid: number | null
  rows: unknown[]
  fields: PgField[]
  /** The parsers of its client. */
  readonly _types?: TypeParsers | undefined
}

/** The object form of a query of pg. */
export interface PgQueryConfig {
  readonly text: string
  readonly values?: readonly unknown[] | undefined
  readonly name?: string | undefined
  readonly rowMode?: 'array' | undefined
  readonly binary?: boolean | undefined
  readonly types?: TypeParsers | undefined
}

/** A client of pg, as far as it is used. */
export interface PgClient {
  // biome-ignore lint/suspicious/noExplicitAny: pg has a dozen overloads, and a parameter that is wider than each of them fits all.
  query(...args: any[]): any
  once(event: string, listener: (...args: never[]) => void): unknown
  getTransactionStatus?(): string | null
}

/** A client of a pool. */
export interface PgPoolClient extends PgClient {
  readonly host?: string | undefined
  readonly port?: number | undefined
  release(destroy?: Error | boolean): void
}

/** A pool of pg, as far as it is used. */
export interface PgPool {
  // biome-ignore lint/suspicious/noExplicitAny: as for the client.
  query(...args: any[]): any
  // biome-ignore lint/suspicious/noExplicitAny: pg's own takes a callback, too.
  connect(...args: any[]): any
  on(event: string, listener: (...args: never[]) => void): unknown
  readonly idleCount: number
  readonly totalCount: number
  readonly options: { readonly max?: number | undefined }
}
