// What the parent and the workers of the history of sessions agree on.

export interface WorkerSettings {
  /** The ports of the server or of the masters. */
  readonly ports: readonly number[]
}

export interface Item {
  /** The number of the writer, then that of the item: what was appended twice has one id. */
  readonly id: string
  readonly text: string
}

/** What one writer has to append: the items `from` (inclusive) to `to` (exclusive), one after the other. */
export interface Share {
  readonly writer: number
  readonly from: number
  readonly to: number
  /** Whether a process that was killed may have appended the first one already. */
  readonly mayRepeat: boolean
}

/** What a process has to append in one round. */
export interface Work {
  readonly round: number
  readonly sessions: readonly string[]
  readonly shares: readonly Share[]
}

/**
 * The end of one call of `append`. The instants are of the wall clock, which all processes share. `calledAtMs` is 0 if a process that was
 * killed may have made the same call.
 */
export interface Said {
  readonly what: 'acknowledged' | 'refused'
  readonly id: string
  readonly session: string
  readonly calledAtMs: number
  readonly endedAtMs: number
  /** How many items the session had. */
  readonly count: number
}

export const STORE = { name: 'history', idleTtl: '10m', maxAge: '1h', maxItems: 400, maxBytes: 1_000_000 } as const

/** The session to which a writer appends its item `n`. */
export const sessionOf = (sessions: readonly string[], writer: number, n: number): string =>
  sessions[(writer + n) % sessions.length] as string
