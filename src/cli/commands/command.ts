// What a command is, and what it gets.
import { CacheError } from '../../index.js'
import { openSession, type Purpose, type Session } from '../connection/session.js'
import { type CommonValues, type Settings, settingsOf } from '../connection/settings.js'
import { type ExitCode, Failure } from '../output/failure.js'
import { jsonText } from '../output/json.js'
import { safeText } from '../output/text.js'

/** The world around the program. Tests give another one. */
export interface Program {
  /** The version of the package. */
  version(): string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Whether the output is a terminal that shows colours. */
  readonly hasColours: boolean
  out(text: string): void
  err(text: string): void
  /** Aborts at Ctrl-C. Until it is asked for, Ctrl-C ends the program at once. */
  interruption(): AbortSignal
}

/** An option, as `parseArgs` of `node:util` takes it, with its help. */
export interface OptionSpec {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** What stands behind the option, such as `<url>`. */
  readonly argument?: string
  readonly help: string
}

/** The values of all options of a command, by name. */
export type Values = CommonValues & Readonly<Record<string, string | boolean | readonly string[] | undefined>>

/** One command of the program. */
export interface Command {
  readonly name: string
  /** What stands behind its name, such as `<key>`. */
  readonly operands: string
  readonly minOperands: number
  readonly maxOperands: number
  /** One line. */
  readonly summary: string
  /** Further lines of its help. */
  readonly details?: string
  readonly options: Readonly<Record<string, OptionSpec>>
  run(call: Call): Promise<ExitCode>
}

/** One call of a command: its operands and options, and what it writes to. */
export class Call {
  readonly operands: readonly string[]
  readonly values: Values
  readonly program: Program
  readonly settings: Settings

  constructor(operands: readonly string[], values: Values, program: Program) {
    this.operands = operands
    this.values = values
    this.program = program
    this.settings = settingsOf(values, program.env)
  }

  get isJson(): boolean {
    return this.values.json === true
  }

  /** The value of a string option. */
  text(option: string): string | undefined {
    const value = this.values[option]
    return typeof value === 'string' ? value : undefined
  }

  /** Opens the cache for `work`, and closes it afterwards. */
  async inSession(purpose: Purpose, work: (session: Session) => Promise<ExitCode>): Promise<ExitCode> {
    const session = await openSession(this.settings, purpose)
    try {
      return await work(session)
    } finally {
      await session.close()
    }
  }

  /** Writes the result: `data` with `--json`, else `text`. */
  write(text: string, data: unknown): void {
    this.program.out(`${this.isJson ? jsonText(data) : text}\n`)
  }

  /** Writes a remark beside the result. */
  remark(text: string): void {
    this.program.err(`${text}\n`)
  }

  /** The option `version` of calls, for `--entry-version`. */
  get version(): { readonly version?: string } {
    const { entryVersion } = this.settings
    return entryVersion === undefined ? {} : { version: entryVersion }
  }
}

/** The failure behind anything that was thrown. */
export function asFailure(error: unknown): Failure {
  if (error instanceof Failure) return error
  if (error instanceof CacheError) {
    const isOurUse = error.code === 'INVALID_OPTION' || error.code === 'INVALID_KEY'
    return new Failure(isOurUse ? 2 : 3, safeText(error.message), { cause: error })
  }
  const reason = error instanceof Error ? safeText(error.message) : 'something was thrown that is no error'
  if (/^NOPERM\b/.test(reason)) {
    const next = 'docs/guides/command-line.md says which rights each command needs'
    return new Failure(3, `This user of Redis may not do that: ${reason}. ${next}`, { cause: error })
  }
  return new Failure(3, `Redis could not carry out the command: ${reason}`, { cause: error })
}
