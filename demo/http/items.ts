// The items of the demo's API: in PostgreSQL if DATABASE_URL says where, otherwise in a table of this process. Every query takes
// the same time and is counted.
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'

export interface Item {
  readonly id: number
  readonly name: string
  readonly priceCents: number
}

/** A table of items. */
export interface Items {
  /** Where they are, for people. */
  readonly where: string
  /** The queries so far, those of changes included. */
  queries: number
  all(): Promise<Item[]>
  find(id: number): Promise<Item | undefined>
  setPrice(id: number, priceCents: number): Promise<void>
  close(): Promise<void>
}

const QUERY_MS = 40
const COUNT = 20

/** `queryMs` is how long a query takes. */
export async function openItems(databaseUrl: string | undefined, queryMs = QUERY_MS): Promise<Items> {
  return databaseUrl === undefined ? new EmbeddedItems(queryMs) : PostgresItems.open(databaseUrl, queryMs)
}

class EmbeddedItems implements Items {
  readonly where = 'a slow table of this process (with DATABASE_URL, PostgreSQL)'
  queries = 0
  readonly #queryMs: number
  readonly #rows = new Map(rows().map((item) => [item.id, item]))

  constructor(queryMs: number) {
    this.#queryMs = queryMs
  }

  all(): Promise<Item[]> {
    return this.#query(() => [...this.#rows.values()])
  }

  find(id: number): Promise<Item | undefined> {
    return this.#query(() => this.#rows.get(id))
  }

  async setPrice(id: number, priceCents: number): Promise<void> {
    await this.#query(() => {
      const item = this.#rows.get(id)
      if (item !== undefined) this.#rows.set(id, { ...item, priceCents })
    })
  }

  async close(): Promise<void> {}

  async #query<T>(run: () => T): Promise<T> {
    this.queries++
    await sleep(this.#queryMs)
    return run()
  }
}

/** The table has a name of its own, and is dropped at the end. */
class PostgresItems implements Items {
  readonly where = 'PostgreSQL'
  queries = 0
  readonly #pool: pg.Pool
  readonly #queryMs: number
  readonly #table = `tiercache_demo_${process.pid}`

  private constructor(pool: pg.Pool, queryMs: number) {
    this.#pool = pool
    this.#queryMs = queryMs
  }

  static async open(url: string, queryMs: number): Promise<PostgresItems> {
    const items = new PostgresItems(new pg.Pool({ connectionString: url, max: 4 }), queryMs)
    await items.#pool.query(`CREATE TABLE ${items.#table} (id int PRIMARY KEY, name text, price_cents int)`)
    for (const { id, name, priceCents } of rows())
      await items.#pool.query(`INSERT INTO ${items.#table} VALUES ($1, $2, $3)`, [id, name, priceCents])
    return items
  }

  all(): Promise<Item[]> {
    return this.#select('', [])
  }

  async find(id: number): Promise<Item | undefined> {
    return (await this.#select('WHERE id = $1', [id]))[0]
  }

  async setPrice(id: number, priceCents: number): Promise<void> {
    this.queries++
    await this.#pool.query(`UPDATE ${this.#table} SET price_cents = $2 WHERE id = $1`, [id, priceCents])
  }

  async close(): Promise<void> {
    await this.#pool.query(`DROP TABLE ${this.#table}`)
    await this.#pool.end()
  }

  async #select(where: string, values: unknown[]): Promise<Item[]> {
    this.queries++
    const slow = `(SELECT pg_sleep(${this.#queryMs / 1_000})) AS slow`
    const columns = 'id, name, price_cents AS "priceCents"'
    const { rows } = await this.#pool.query<Item>(
      `SELECT ${columns} FROM ${this.#table}, ${slow} ${where} ORDER BY id`,
      values,
    )
    return rows
  }
}

function rows(): Item[] {
  return Array.from({ length: COUNT }, (_, i) => ({ id: i + 1, name: `tea no. ${i + 1}`, priceCents: 500 + i }))
}
