// The record of one history: every value with its origin, every write and invalidation with its call and its completion.
import type { Clock } from 'tiercache/ports'

/** A moment, with its place in the order of everything that happened. */
export interface Moment {
  readonly atMs: number
  readonly seq: number
}

/** The cached value: the name of its origin. */
export interface Value {
  readonly id: number
  readonly tags: readonly string[]
}

/** Where a value came from: a load that began at `began`, or a write. */
export interface Origin {
  readonly id: number
  /** Scope and key: `root/k0`. */
  readonly where: string
  readonly tags: readonly string[]
  readonly process: number
  readonly began: Moment
  readonly write: Write | undefined
  /** When its loader returned. */
  loaded: Moment | undefined
}

/** One `set`, deletion, expiry, tag invalidation, `clear` or `expireAll`. */
export interface Write {
  readonly what: string
  readonly process: number
  readonly called: Moment
  /** The values that it makes outdated. */
  readonly reaches: (value: Origin) => boolean
  /** 'soft': the values may still be served if loading fails. */
  readonly strength: 'hard' | 'soft'
  completed: Moment | undefined
  result: 'applied' | 'queued' | undefined
}

/** One read that returned a value. */
export interface Read {
  readonly process: number
  readonly called: Moment
  /** Whether Redis could be reached when the read was called. */
  readonly l2: 'available' | 'unavailable'
}

export class History {
  readonly writes: Write[] = []
  /** The history in words, for a failing test. */
  readonly told: string[] = []
  readonly #origins = new Map<number, Origin>()
  #seq = 0

  constructor(private readonly clock: Clock) {}

  now(): Moment {
    this.#seq++
    return { atMs: this.clock.nowMs(), seq: this.#seq }
  }

  tell(words: string): void {
    this.told.push(`${this.clock.nowMs()} ${words}`)
  }

  /** A load of the key `where` begins. */
  load(process: number, where: string, tags: readonly string[]): Value {
    return this.#value(process, where, tags, undefined)
  }

  loaded(value: Value): void {
    this.originOf(value).loaded = this.now()
  }

  /** A call that changes something begins. `reaches` tells which values it makes outdated. */
  write(what: string, process: number, strength: Write['strength'], reaches: Write['reaches']): Write {
    const write: Write = {
      what,
      process,
      called: this.now(),
      reaches,
      strength,
      completed: undefined,
      result: undefined,
    }
    this.writes.push(write)
    this.tell(`${what} by ${process}`)
    return write
  }

  set(process: number, where: string, tags: readonly string[]): { write: Write; value: Value } {
    const write = this.write(`set ${where}`, process, 'hard', (other) => other.where === where && other.write !== write)
    return { write, value: this.#value(process, where, tags, write) }
  }

  completed(write: Write, result: 'applied' | 'queued'): void {
    write.completed = this.now()
    write.result = result
    this.tell(`${write.what} by ${write.process}: ${result}`)
  }

  originOf(value: Value): Origin {
    const origin = this.#origins.get(value.id)
    if (origin === undefined)
      throw new Error(`a read returned a value that was never loaded or set: ${JSON.stringify(value)}`)
    return origin
  }

  #value(process: number, where: string, tags: readonly string[], write: Write | undefined): Value {
    const id = this.#origins.size + 1
    const origin: Origin = { id, where, tags, process, began: this.now(), write, loaded: undefined }
    this.#origins.set(origin.id, origin)
    this.tell(`${where} = ${origin.id} [${tags}] by ${write === undefined ? 'a load' : 'a set'}`)
    return { id: origin.id, tags }
  }
}
