// Keeps one listening connection alive: dials, runs a session on it, and dials again after whatever ended that.
import type { Clock, Milliseconds } from '../../model/ports.js'
import { setImmediate } from '../../model/time/real-timers.js'
import { ignoreRejection, type RedisNode } from '../client/client.js'
import { reconnectAfterMs } from '../client/client-source.js'

/** A connection to listen on. */
export interface Line {
  readonly client: RedisNode
  /** Ends an own connection; of a lent one only the present link, and only if it `broke`. */
  hangUp(reason: 'broke' | 'closed'): void
}

/** Makes a line that is connected. It may take as long as it likes: the session loop gives up and hangs up. */
export type Dial = (lines: LineUse) => Promise<Line>

/** Told of a line as soon as there is something to hang up, long before it is connected. */
export interface LineUse {
  keep(line: Line): void
}

export interface SessionOptions {
  readonly clock: Clock
  readonly dial: Dial
  /** Listens until something fails; it ends by rejecting. Every wait of it goes through `calls.ask` or `calls.pause`. */
  readonly listen: (client: RedisNode, calls: SessionCalls) => Promise<never>
  /** The line dropped, or there is none yet. */
  readonly onDown?: (error: unknown) => void
}

/** How a session waits: a client's promise may never settle when its link drops. */
export interface SessionCalls {
  /** Rejects when no reply came in `limitMs`, when the link drops, and when the session is closed. */
  ask<T>(reply: Promise<T>, limitMs: Milliseconds): Promise<T>
  pause(ms: Milliseconds): Promise<void>
  /**
   * Call whenever something was heard, not when listening merely began: once that has gone on for a while, the next dialling begins
   * without a pause.
   */
  works(): void
}

/** Longest time that dialling may take, Sentinel's look-up included. */
const DIAL_LIMIT_MS: Milliseconds = 3_000

/** What fails sooner, again and again, would be dialled again as fast as it fails. */
const PROVEN_AFTER_MS: Milliseconds = 1_000

const LINK_EVENTS = ['close', 'end'] as const

export class SessionLoop {
  readonly #options: SessionOptions
  readonly #breaks = new Set<(error: Error) => void>()
  #line: Line | undefined
  #failures = 0
  #isClosed = false

  constructor(options: SessionOptions) {
    this.#options = options
  }

  start(): void {
    void this.#run()
  }

  /** Ends the present line as if it had failed. */
  restart(reason: Error): void {
    this.#break(reason)
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#break(new Error('the bus was closed'))
    this.#hangUp('closed')
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      try {
        await this.#session()
      } catch (error) {
        this.#failures++
        this.#hangUp('broke')
        if (!this.#isClosed) this.#options.onDown?.(error)
      }
      // The first new attempt is made at once.
      if (this.#failures > 1) await this.#wait(reconnectAfterMs(this.#failures - 1)).catch(() => undefined)
    }
  }

  async #session(): Promise<void> {
    const keeper: LineUse = {
      keep: (line) => {
        if (this.#isClosed) line.hangUp('closed')
        else this.#line = line
      },
    }
    const { client } = await this.#ask(this.#options.dial(keeper), DIAL_LIMIT_MS)
    const { clock } = this.#options
    const provenAtMs = clock.nowMs() + PROVEN_AFTER_MS
    let isHeard = false
    const onDrop = (): void => this.#break(new Error('the link dropped'))
    for (const event of LINK_EVENTS) client.on(event, onDrop)
    try {
      await this.#options.listen(client, {
        ask: (reply, limitMs) => this.#ask(reply, limitMs),
        pause: (ms) => this.#wait(ms),
        works: () => {
          isHeard = true
        },
      })
    } finally {
      if (isHeard && clock.nowMs() >= provenAtMs) this.#failures = 0
      for (const event of LINK_EVENTS) client.removeListener(event, onDrop)
    }
  }

  #hangUp(reason: 'broke' | 'closed'): void {
    const line = this.#line
    this.#line = undefined
    line?.hangUp(reason)
  }

  #break(error: Error): void {
    for (const reject of [...this.#breaks]) reject(error)
  }

  #wait(ms: Milliseconds): Promise<void> {
    return this.#breakable((resolve) => this.#options.clock.after(ms, resolve))
  }

  #ask<T>(reply: Promise<T>, limitMs: Milliseconds): Promise<T> {
    ignoreRejection(reply)
    return this.#breakable<T>((resolve, reject) => {
      const silent = () => reject(new Error(`no reply within ${limitMs} ms`))
      // A process that was paused runs its timers first: replies that lie in the socket are read before silence is assumed.
      const cancel = this.#options.clock.after(limitMs, () => setImmediate(() => setImmediate(silent)))
      reply.then(resolve, reject)
      return cancel
    })
  }

  /** A promise that `break` can reject. `begin` answers what undoes it. */
  #breakable<T>(begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new Error('the bus was closed'))
      const end = () => {
        this.#breaks.delete(broken)
        undo()
      }
      const broken = (error: unknown) => {
        end()
        reject(error)
      }
      this.#breaks.add(broken)
      const undo = begin((value) => {
        end()
        resolve(value)
      }, broken)
    })
  }
}
