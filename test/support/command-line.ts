// Runs command lines of the program `tiercache` in this process, and keeps what they write.
import type { Program } from '../../src/cli/commands/command.js'
import { run } from '../../src/cli/run.js'

export interface CommandResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>
  /** What Ctrl-C would abort. */
  readonly signal?: AbortSignal
  /** Called with the whole output each time that something was written. */
  readonly onOut?: (out: string) => void
}

export async function runCommand(args: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const { env = {}, signal = new AbortController().signal, onOut } = options
  const written = { out: '', err: '' }
  const program: Program = {
    version: () => '1.2.3',
    env,
    hasColours: false,
    out: (text) => {
      written.out += text
      onOut?.(written.out)
    },
    err: (text) => {
      written.err += text
    },
    interruption: () => signal,
  }
  return { code: await run(args, program), ...written }
}
