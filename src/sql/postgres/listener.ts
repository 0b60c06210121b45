// Hears what triggers tell, over a connection of its own. While nothing is heard, nothing is kept; when it is heard again, everything is outdated.
import { randomUUID } from 'node:crypto'
import { CacheError } from '../../model/errors.js'
import { clearTimeout, setTimeout } from '../../model/time/real-timers.js'
import type { SqlCore } from '../core/core.js'
import { rootTag, tableTag } from '../core/tags.js'
import { CHANNEL } from './triggers.js'
import type { PgResult } from './types.js'

/** A client of pg that listens. */
export interface ListeningClient {
  connect(): Promise<unknown>
  // biome-ignore lint/suspicious/noExplicitAny: pg has a dozen overloads.
  query(...args: any[]): any
  on(event: string, listener: (...args: never[]) => void): unknown
  end(): Promise<void>
  /** What the server said of itself when the connection began; a pooler says something else. */
  readonly processID?: number | null | undefined
}

/** How a listener notices that it hears nothing. */
export interface ListenPolicy {
  readonly pingMs: number
  readonly timeoutMs: number
}

const LONGEST_PAUSE_MS = 10_000

/** Hears changes of one database. */
export class ChangeListener {
  readonly #core: SqlCore
  readonly #open: () => ListeningClient
  readonly #policy: ListenPolicy
  #client: ListeningClient | undefined
  #timer: NodeJS.Timeout | undefined
  #heard: ((payload: string) => void) | undefined
  #database = ''
  #tags = new Set<string>()
  #isClosed = false
  #failures = 0

  constructor(core: SqlCore, open: () => ListeningClient, policy: ListenPolicy) {
    this.#core = core
    this.#open = open
    this.#policy = policy
    core.transactions.setHearing(this, false)
  }

  /** Begins to listen. Rejects if that cannot work: then it does not try again. */
  async start(): Promise<void> {
    try {
      await this.#connect()
    } catch (error) {
      await this.close()
      throw error
    }
  }

  /** Ends it. What is cached is no longer told of changes by others. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    this.#core.transactions.setHearing(this, true)
    const client = this.#client
    this.#client = undefined
    await client?.end().catch(() => {}) // it is broken already
  }

  async #connect(): Promise<void> {
    const client = this.#open()
    this.#client = client
    client.on('error', () => this.#lose(client))
    client.on('end', () => this.#lose(client))
    client.on('notification', ({ payload = '' }: { readonly payload?: string }) => this.#hear(payload))
    await this.#inTime(client.connect())
    const { rows } = (await this.#inTime(
      client.query('select pg_backend_pid()::text as pid, current_database()::text as database'),
    )) as PgResult
    const [row] = rows as [{ readonly pid: string; readonly database: string }]
    if (typeof client.processID === 'number' && String(client.processID) !== row.pid) throw throughPooler()
    this.#database = row.database
    await this.#inTime(client.query(`listen ${CHANNEL}`))
    await this.#ping(client)
    // Whatever changed while nothing was heard: everything is outdated, and only then may anything be kept.
    await this.#core.writes.announce([rootTag(this.#core.policy.name, row.database)])
    if (this.#client !== client || this.#isClosed) return
    this.#failures = 0
    this.#core.transactions.setHearing(this, true)
    this.#plan(() => this.#check(client), this.#policy.pingMs)
  }

  /** A message to oneself must come back: a half-open connection is silent, and reports nothing. */
  async #ping(client: ListeningClient): Promise<void> {
    const id = `ping ${randomUUID()}`
    const back = new Promise<void>((resolve) => {
      this.#heard = (payload) => payload === id && resolve()
    })
    await this.#inTime(Promise.all([client.query('select pg_notify($1, $2)', [CHANNEL, id]), back]))
  }

  async #check(client: ListeningClient): Promise<void> {
    try {
      await this.#ping(client)
      this.#plan(() => this.#check(client), this.#policy.pingMs)
    } catch {
      // Too late or an error: either way nothing is heard.
      this.#lose(client)
    }
  }

  #lose(client: ListeningClient): void {
    if (this.#client !== client || this.#isClosed) return
    this.#client = undefined
    this.#core.transactions.setHearing(this, false)
    client.end().catch(() => {}) // it is broken already
    const pauseMs = Math.min(100 * 2 ** this.#failures++, LONGEST_PAUSE_MS)
    this.#plan(() => this.#reconnect(), pauseMs)
  }

  async #reconnect(): Promise<void> {
    try {
      await this.#connect()
    } catch {
      if (this.#client !== undefined) this.#lose(this.#client)
    }
  }

  #plan(work: () => Promise<void>, ms: number): void {
    clearTimeout(this.#timer)
    if (!this.#isClosed) this.#timer = setTimeout(() => void work(), ms).unref()
  }

  /** All tables of one turn are invalidated at once. */
  #hear(payload: string): void {
    this.#heard?.(payload)
    const table = tableIn(payload)
    if (table === undefined) return
    if (this.#tags.size === 0) setTimeout(() => this.#announce(), 0)
    this.#tags.add(tableTag(this.#core.policy.name, this.#database, table))
  }

  #announce(): void {
    const tags = [...this.#tags]
    this.#tags.clear()
    // It never rejects because of Redis; a closed cache keeps nothing either.
    this.#core.writes.announce(tags).catch(() => {})
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('the database did not reply in time')), this.#policy.timeoutMs)
      work.then(resolve, reject).finally(() => clearTimeout(late))
    })
  }
}

function tableIn(payload: string): { readonly schema: string; readonly name: string } | undefined {
  if (!payload.startsWith('[')) return undefined
  try {
    const [schema, name] = JSON.parse(payload) as [unknown, unknown]
    return typeof schema === 'string' && typeof name === 'string' ? { schema, name } : undefined
  } catch {
    return undefined // of another program
  }
}

function throughPooler(): CacheError {
  return new CacheError(
    'INVALID_OPTION',
    'listen() must be given a direct connection to PostgreSQL; this one goes through a pooler such as PgBouncer, which loses LISTEN between transactions. Use the address of the server itself',
  )
}
