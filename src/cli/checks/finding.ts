// What `doctor` finds.

/**
 * `ok`: as it should be. `note`: worth knowing. `warning`: works, but not as well as it could. `wrong`: the cache does not work, or not as
 * promised.
 */
export type Level = 'ok' | 'note' | 'warning' | 'wrong'

export interface Finding {
  readonly level: Level
  /** What was looked at, such as `version` or `memory`. */
  readonly about: string
  readonly text: string
  /** What to change. */
  readonly fix?: string
}

/** A finding without a fix. */
export function found(level: Level, about: string, text: string): Finding {
  return { level, about, text }
}
