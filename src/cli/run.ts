// Runs one command line: finds the command, reads its options, and turns whatever goes wrong into a sentence and an exit code.
import { parseArgs } from 'node:util'
import { COMMANDS } from './all.js'
import { asFailure, Call, type Command, type Program, type Values } from './commands/command.js'
import { type ExitCode, type Failure, wrongUse } from './output/failure.js'
import { nameText, safeText } from './output/text.js'
import { COMMON_OPTIONS, helpOf, overview } from './usage.js'

/** Runs the command line `args` (without the program's own name). Never rejects. */
export async function run(args: readonly string[], program: Program): Promise<ExitCode> {
  try {
    return await runCommand(args, program)
  } catch (error) {
    const failure = asFailure(error)
    program.err(`tiercache: ${failure.message}\n`)
    if (args.includes('--debug')) program.err(`${stackOf(failure)}\n`)
    return failure.exitCode
  }
}

async function runCommand(args: readonly string[], program: Program): Promise<ExitCode> {
  const [name, ...rest] = args
  if (name === undefined) throw wrongUse(`No command is given. Type: tiercache --help`)
  if (name === '--help' || name === '-h' || name === 'help') {
    program.out(`${overview()}\n`)
    return 0
  }
  if (name === '--version' || name === 'version') {
    program.out(`${program.version()}\n`)
    return 0
  }
  const command = COMMANDS.find((each) => each.name === name)
  if (command === undefined) throw unknownCommand(name)
  const { operands, values } = read(command, rest)
  if (values.help === true) {
    program.out(`${helpOf(command)}\n`)
    return 0
  }
  checkOperands(command, operands)
  return command.run(new Call(operands, values, program))
}

function unknownCommand(name: string): Failure {
  if (name.startsWith('-')) {
    return wrongUse(
      'The command stands before its options: tiercache get user:1 --url … --name shop. Type: tiercache --help',
    )
  }
  const similar = COMMANDS.find(
    (each) => each.name.startsWith(name) || each.name.replace(/-/g, '') === name.toLowerCase(),
  )
  const hint = similar === undefined ? '' : ` Did you mean ${similar.name}?`
  return wrongUse(`There is no command ${nameText(name)}.${hint} Type: tiercache --help`)
}

function read(command: Command, args: readonly string[]): { readonly operands: string[]; readonly values: Values } {
  const options = Object.entries({ ...COMMON_OPTIONS, ...command.options }).map(
    ([name, { type, multiple = false }]) => [name, { type, multiple }] as const,
  )
  try {
    const { positionals, values } = parseArgs({
      args: [...args],
      options: Object.fromEntries(options),
      allowPositionals: true,
      strict: true,
    })
    return { operands: positionals, values: values as Values }
  } catch (error) {
    const reason = error instanceof Error ? safeText(error.message) : ''
    throw wrongUse(`${reason}. Type: tiercache ${command.name} --help`, error)
  }
}

function checkOperands({ name, minOperands, maxOperands }: Command, { length }: readonly string[]): void {
  if (length >= minOperands && length <= maxOperands) return
  const most =
    maxOperands === 0 ? 'no operand' : minOperands === maxOperands ? `${minOperands}` : `at least ${minOperands}`
  throw wrongUse(`${name} takes ${most}; got ${length}. Type: tiercache ${name} --help`)
}

/** The stack of the cause, which is the error itself and not how it was reported. */
function stackOf(failure: Failure): string {
  const { cause } = failure
  const error = cause instanceof Error ? cause : failure
  return error.stack ?? String(error)
}
