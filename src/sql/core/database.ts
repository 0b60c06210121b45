// The port of a database: whose results these are, and what its catalogue knows. One implementation per kind of server.
import type { Relation } from '../statements/statement.js'

/** Runs a query of the cache's own and returns its rows, as objects. Values that it asks for are text. */
export type Ask = (text: string, parameters: readonly unknown[]) => Promise<readonly Record<string, unknown>[]>

/** The session in which statements run: what of it decides the answers. */
export interface Session {
  /** The name of the database, part of every tag. */
  readonly database: string
  /** Server, database, roles, search path and settings, in a text that is part of every key. */
  readonly identity: string
  /** Why results of this session cannot be kept, as the end of "it …". */
  readonly refusal?: string | undefined
}

/** A table or view of the catalogue. */
export interface Table {
  /** The number that results name it by, such as an oid; 0 if results do not. */
  readonly id: number
  readonly schema: string
  readonly name: string
  /** Whether its rows change without a statement that names it, such as those of the catalogue or of a foreign server. */
  readonly isOutside: boolean
  readonly isTemporary: boolean
  /** Whether each role may see other rows of it. */
  readonly hasRowSecurity: boolean
  /** Whether triggers may change other tables when it is written. */
  readonly hasTriggers: boolean
  /** The numbers of the columns of its primary key, from 1. */
  readonly key: readonly number[]
}

/** A function of the catalogue. */
export interface FunctionFacts {
  readonly name: string
  /** Why a result that it is part of cannot be kept, as the end of "it …". */
  readonly refusal?: string | undefined
  /** Whether a call may change rows. */
  readonly writes: boolean
}

/** What the catalogue says of the relations and functions that a statement names. */
export interface Facts {
  /** The named relations with whatever they stand for: tables of views, children, tables that policies read. */
  readonly tables: readonly Table[]
  /** Functions of the statement and of its views. */
  readonly functions: readonly FunctionFacts[]
  /** Names that the catalogue does not have. */
  readonly missing: readonly string[]
}

/** A database behind an adapter. Rejections mean that it could not be asked. */
export interface Database {
  /** The session that connections of this adapter have. Asked once, then remembered. */
  session(): Promise<Session>
  /** What a read of `relations` that calls `functions` depends on. */
  facts(relations: readonly Relation[], functions: readonly Relation[]): Promise<Facts>
  /** What a write of `relations` may change: tables of views, children, cascades. */
  reach(relations: readonly Relation[]): Promise<Facts>
}
