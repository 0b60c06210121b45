// `tiercache/sql`: query results that are never older than the commits that were announced, and the adapters for drivers.

export { Changes } from './core/changes.js'
export { SqlCore } from './core/core.js'
export type { Ask, Database, Facts, FunctionFacts, Session, Table } from './core/database.js'
export type { SqlExplanation } from './core/explain.js'
export type { QueryOptions, SqlCacheOptions, SqlPolicy, Tenant } from './core/options.js'
export { type Plan, type PlannedQuery, Plans, type Refused } from './core/plans.js'
export { type Loaded, type Read, Reads, type Restored } from './core/reads.js'
export type { RowKeys } from './core/row-tags.js'
export { Transactions } from './core/transactions.js'
export { Writes, type WrittenStatement } from './core/writes.js'
export type {
  KyselyConnection,
  KyselyDialect,
  KyselyDriver,
  KyselyExecutable,
} from './kysely/types.js'
export type { ListeningClient } from './postgres/listener.js'
export type { CachedPool } from './postgres/pool.js'
export type { PgTransaction } from './postgres/transaction.js'
export type { TriggerTarget } from './postgres/triggers.js'
export type { PgClient, PgField, PgPool, PgPoolClient, PgQueryConfig, PgResult, TypeParsers } from './postgres/types.js'
export { type ListenOptions, SqlCache, sqlCache } from './sql-cache.js'
export type { Relation, Statement, TransactionStep } from './statements/statement.js'
