// Keeps one listening connection alive: dials, runs a session on the connection, and dials again when the session has ended.
import type { Clock, Milliseconds } from '../../model/ports.js'
import { setImmediate } from '../../model/time/real-timers.js'
import { ignoreRejection, type RedisNode } from '../client/client.js'
import { reconnectAfterMs } from '../client/client-source.js'

/** A connection to listen on. */
export interface Line {
  readonly client: RedisNode
  /** Ends a connection of our own. On a lent client it ends only the present link, and only if that `broke`. */
  hangUp(reason: 'broke' | 'closed'): void
}

/** Makes a connected line. It needs no limit of its own: the session loop gives up after a while and hangs up. */
export type Dial = (lines: LineUse) => Promise<Line>

export interface LineUse {
  /** To be called with the line as soon as it can be hung up, before it is connected. */
  keep(line: Line): void
}

export interface SessionOptions {
  readonly clock: Clock
  readonly dial: Dial
  /** Listens until something fails, and then rejects. It waits only with `calls.ask` and `calls.pause`. */
  readonly listen: (client: RedisNode, calls: SessionCalls) => Promise<never>
  /** The line dropped, or dialling failed. */
  readonly onDown?: (error: unknown) => void
}

/** The waits of a session, which end when the link drops: a client's promise may then never settle. */
export interface SessionCalls {
  /** Rejects if no reply comes within `limitMs`, when the link drops, and when the session is closed. */
  ask<T>(reply: Promise<T>, limitMs: Milliseconds): Promise<T>
  pause(ms: Milliseconds): Promise<void>
  /**
   * Call it whenever a reply came, not when listening merely began. If the session has lasted for a while by then, the next dial after it
   * begins without a pause.
   */
  works(): void
}

/** How long dialling may take at most, including the look-up through Sentinel. */
const DIAL_LIMIT_MS: Milliseconds = 3_000

/** A session that fails sooner counts as a failure, so that repeated failures slow the dialling down. */
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

  /** Ends the present line, as a failure would. */
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
    const lines: LineUse = {
      keep: (line) => {
        if (this.#isClosed) line.hangUp('closed')
        else this.#line = line
      },
    }
    const { client } = await this.#ask(this.#options.dial(lines), DIAL_LIMIT_MS)
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
      // A process that was paused runs its timers first: replies that are already in the socket must be read before silence is assumed.
      const cancel = this.#options.clock.after(limitMs, () => setImmediate(() => setImmediate(silent)))
      reply.then(resolve, reject)
      return cancel
    })
  }

  /** A promise that `#break` can reject. `begin` returns a function that cleans up. */
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
