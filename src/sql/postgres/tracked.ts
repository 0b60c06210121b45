// pg's `query` in all its forms, with its writes announced before its caller goes on.
import type { SqlCore } from '../core/core.js'
import type { Database } from '../core/database.js'
import { ClientWrites } from './tracked-client.js'
import type { PgClient, PgPoolClient, PgResult } from './types.js'

type Results = PgResult | readonly PgResult[]
type Callback = (error: unknown, result?: Results) => void

/** The text of a query in any of pg's forms; `undefined` if there is none. */
export function textOf(query: unknown): string | undefined {
  if (typeof query === 'string') return query
  const { text } = (query ?? {}) as { readonly text?: unknown }
  return typeof text === 'string' ? text : undefined
}

/** What is done before and after the statements of one connection, or of a pool. */
export interface Watch<Known> {
  analyse(text: string, tables?: readonly string[]): Promise<Known>
  settle(known: Promise<Known>, result: Results | undefined, error?: unknown): Promise<void>
  /** Takes a stream or cursor into account. */
  begin(known: Promise<Known>, stream: unknown): void
}

/** Calls `query` of a client or pool with its own arguments, watched. */
export function watchedQuery<Known>(
  target: { query(...args: unknown[]): unknown },
  args: readonly unknown[],
  watch: Watch<Known>,
  tables?: readonly string[],
): unknown {
  const [query] = args
  const text = textOf(query)
  if (text === undefined) return target.query(...args)
  const known = watch.analyse(text, tables)
  if (isStream(query)) {
    watch.begin(known, query)
    return target.query(...args)
  }
  const last = args.length - 1
  const callback = args[last]
  if (typeof callback === 'function') {
    const settled: Callback = (error, result) => {
      void watch.settle(known, result, error ?? undefined).then(() => (callback as Callback)(error, result))
    }
    return target.query(...args.slice(0, last), settled)
  }
  return settledPromise(target.query(...args) as Promise<Results>, known, watch)
}

async function settledPromise<Known>(
  sent: Promise<Results>,
  known: Promise<Known>,
  watch: Watch<Known>,
): Promise<Results> {
  let result: Results
  try {
    result = await sent
  } catch (error) {
    await watch.settle(known, undefined, error)
    throw error
  }
  await watch.settle(known, result)
  return result
}

/** Cursors and streams of pg submit themselves. */
function isStream(query: unknown): boolean {
  return typeof (query as { readonly submit?: unknown } | null)?.submit === 'function'
}

const watched = new WeakMap<object, { readonly writes: ClientWrites; readonly proxy: unknown }>()

/** Returns a client whose writes are announced. The same client always gives the same one. */
export function trackedClient<C extends PgClient>(core: SqlCore, database: Database, client: C): C {
  const known = watched.get(client)
  if (known !== undefined) return known.proxy as C
  const writes = new ClientWrites(core, database, client)
  const watch: Watch<Awaited<ReturnType<ClientWrites['analyse']>>> = {
    analyse: (text, tables) => writes.analyse(text, tables),
    settle: (analysis, result, error) => writes.settle(analysis, result, error),
    begin: (analysis) => writes.begin(analysis),
  }
  const proxy = new Proxy(client, {
    get(target, name) {
      if (name === 'query') return (...args: unknown[]) => watchedQuery(target, args, watch)
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  watched.set(client, { writes, proxy })
  return proxy
}

/** Whether a connection can be had from the pool at once. */
export function hasRoom(pool: {
  readonly idleCount: number
  readonly totalCount: number
  readonly options: { readonly max?: number | undefined }
}): boolean {
  return pool.idleCount > 0 || pool.totalCount < (pool.options.max ?? 10)
}

export type { PgPoolClient }
