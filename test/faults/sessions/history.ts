// The history of sessions: processes append to the same sessions, are killed and started again, and what they were told is compared with
// what is read afterwards.
import { Cluster, Redis } from 'ioredis'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { type Sessions, sessionStore } from 'tiercache/sessions'
import { type Child, startChild } from '../../support/child.js'
import { PATIENT } from '../../support/patient.js'
import { mulberry32 } from '../../support/random.js'
import { sleep } from '../../support/wait.js'
import { faultsOf } from './judge.js'
import { type Item, type Said, type Share, STORE, type Work } from './work.js'

export interface HistoryOptions {
  /** The ports of the server or of the masters. */
  readonly ports: readonly number[]
  /** How many items are appended, about. */
  readonly operations: number
  readonly seed: number
}

export interface HistoryResult {
  readonly acknowledged: number
  readonly refused: number
  readonly kills: number
  /** One sentence for each broken promise. */
  readonly faults: readonly string[]
}

const PROCESSES = 4
const WRITERS = 16
const ITEMS_PER_WRITER = 25
/** The sessions of a round, besides one that all rounds share, and so outgrows its bound, and one that is ended in the middle. */
const SESSIONS = 6
const SHARED = 'shared'

export async function playHistory(options: HistoryOptions): Promise<HistoryResult> {
  const history = new History(options)
  try {
    return await history.play()
  } finally {
    await history.close()
  }
}

class History {
  readonly #client
  readonly #cache
  readonly #chats: Sessions<Item>
  readonly #random: () => number
  readonly #said: Said[] = []
  readonly #faults: string[] = []
  readonly #workers: Worker[] = []
  #kills = 0

  constructor(private readonly options: HistoryOptions) {
    const { ports, seed } = options
    this.#client =
      ports.length === 1
        ? new Redis(ports[0] as number)
        : new Cluster(ports.map((port) => ({ host: '127.0.0.1', port })))
    this.#cache = createCache({ name: 'chats', l2: redisTier(this.#client, PATIENT) })
    this.#chats = sessionStore<Item>(this.#cache, STORE)
    this.#random = mulberry32(seed)
  }

  async play(): Promise<HistoryResult> {
    await this.#cache.ready()
    this.#workers.push(...(await Promise.all(Array.from({ length: PROCESSES }, (_, i) => this.#start(i)))))
    const rounds = Math.ceil(this.options.operations / (PROCESSES * WRITERS * ITEMS_PER_WRITER))
    for (let round = 0; round < rounds; round++) await this.#play(round)
    const count = (what: Said['what']) => this.#said.filter((said) => said.what === what).length
    return {
      ...{ acknowledged: count('acknowledged'), refused: count('refused') },
      ...{ kills: this.#kills, faults: this.#faults },
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.#workers.map(({ child }) => child.kill()))
    await this.#cache.close()
    this.#client.disconnect()
  }

  #start(process: number): Promise<Worker> {
    return Worker.start(this.options.ports, process, this.#said)
  }

  async #play(round: number): Promise<void> {
    const begun = this.#said.length
    const ending = `${round}/ending`
    const whole = Array.from({ length: SESSIONS }, (_, i) => `${round}/${i}`)
    const sessions = [...whole, SHARED, ending]
    const working = this.#workers.map((worker) => worker.work(round, sessions))
    const killing = this.#killOne(round, sessions)
    await sleep(this.#random() * 30)
    await this.#chats.end(ending)
    const endedAtMs = Date.now()
    await Promise.all([...working, killing])
    const of = (session: string) =>
      this.#said.slice(session === SHARED ? 0 : begun).filter((one) => one.session === session)
    for (const session of sessions) {
      const items = await this.#chats.items(session)
      const end = session === ending ? endedAtMs : undefined
      const isTrimmed = session === SHARED
      const { maxItems } = STORE
      this.#faults.push(...faultsOf({ session, items, said: of(session), maxItems, endedAtMs: end, isTrimmed }))
    }
  }

  /** Kills one process in the middle of its work. Another one takes its place and goes on where the first had no reply. */
  async #killOne(round: number, sessions: readonly string[]): Promise<void> {
    await sleep(this.#random() * 60)
    const victim = Math.floor(this.#random() * PROCESSES)
    await this.#workers[victim]?.child.kill()
    this.#kills++
    const worker = await this.#start(victim)
    this.#workers[victim] = worker
    await worker.work(round, sessions, true)
  }
}

class Worker {
  private constructor(
    readonly child: Child,
    private readonly process: number,
    private readonly said: Said[],
  ) {}

  static async start(ports: readonly number[], process: number, said: Said[]): Promise<Worker> {
    const child = startChild(new URL('./worker.ts', import.meta.url), { args: [JSON.stringify({ ports })] })
    await child.next<{ ready?: true }>(({ ready }) => ready === true)
    return new Worker(child, process, said)
  }

  /** Resolves when all items of the round are appended or refused, or the process is gone. */
  async work(round: number, sessions: readonly string[], mayRepeat = false): Promise<void> {
    this.child.send({ round, sessions, shares: this.#shares(round, mayRepeat) } satisfies Work)
    const done = this.child.next<{ done?: number }>(({ done }) => done === round).catch(() => undefined)
    await Promise.race([done, this.child.exit])
    this.#takeSaid()
  }

  #takeSaid(): void {
    const { messages } = this.child
    for (const message of messages.splice(0)) if ('what' in (message as object)) this.said.push(message as Said)
  }

  /** What each writer of this process has not heard the end of yet. */
  #shares(round: number, mayRepeat: boolean): Share[] {
    const ended = new Set(this.said.map(({ id }) => id))
    return Array.from({ length: WRITERS }, (_, i) => {
      const writer = this.process * WRITERS + i
      const to = (round + 1) * ITEMS_PER_WRITER
      let from = round * ITEMS_PER_WRITER
      while (from < to && ended.has(`${writer}:${from}`)) from++
      return { writer, from, to, mayRepeat }
    })
  }
}
