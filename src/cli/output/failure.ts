// How a command ends: its exit code, and the failure that says in a sentence what to type next.

/** 0: done. 1: not found, or something is wrong. 2: the command was not used as it can be. 3: Redis could not be reached, or refused. */
export type ExitCode = 0 | 1 | 2 | 3

/** A command that cannot go on. `message` is for the operator; `cause` is shown only with `--debug`. */
export class Failure extends Error {
  readonly exitCode: Exclude<ExitCode, 0>

  constructor(exitCode: Exclude<ExitCode, 0>, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.exitCode = exitCode
  }

  override get name(): string {
    return 'Failure'
  }
}

/** The failure of a command that was used in a way that it does not know. */
export function wrongUse(message: string, cause?: unknown): Failure {
  return new Failure(2, message, { cause })
}
