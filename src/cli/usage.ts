// The help texts, made of the commands themselves. Pure.
import { COMMANDS } from './all.js'
import type { Command, OptionSpec } from './commands/command.js'
import { table } from './output/table.js'

/** The options that every command has. */
export const COMMON_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  url: {
    type: 'string',
    multiple: true,
    argument: '<url>',
    help: 'redis://user:password@host:port/db, or rediss:// for TLS; default: REDIS_URL',
  },
  name: {
    type: 'string',
    argument: '<name>',
    help: 'the name of the cache, with its version if it has one: shop@2; default: TIERCACHE_NAME',
  },
  namespace: {
    type: 'string',
    argument: '<path>',
    help: 'a namespace, source or wrapped function, as events write it: catalog@3/items',
  },
  'entry-version': { type: 'string', argument: '<version>', help: 'the option version of single calls' },
  cluster: { type: 'boolean', help: 'the URL is a node of a cluster; --url may be repeated' },
  sentinel: {
    type: 'string',
    multiple: true,
    argument: '<host:port>',
    help: 'the sentinels that know the master, between commas; then --url says user, password and database only',
  },
  master: { type: 'string', argument: '<name>', help: 'the name by which the sentinels know the master' },
  'key-prefix': { type: 'string', argument: '<prefix>', help: 'the option keyPrefix of the client of your service' },
  'encryption-key-file': { type: 'string', argument: '<file>', help: 'the option encrypt of redisTier, as JSON' },
  timeout: { type: 'string', argument: '<duration>', help: 'how long to wait for Redis; default 5s' },
  json: { type: 'boolean', help: 'prints JSON' },
  debug: { type: 'boolean', help: 'prints the stack of an error' },
  help: { type: 'boolean', help: 'prints this' },
}

const CHANGES = new Set(['delete', 'expire', 'invalidate-tags', 'expire-tags', 'clear'])

const EXIT_CODES = `Exit codes: 0 done, 1 not found or something is wrong, 2 wrong use, 3 Redis cannot be reached or refuses.`

/** The help of the program. */
export function overview(): string {
  const rowsOf = (commands: readonly Command[]) =>
    commands.map(({ name, operands, summary }) => [`${name} ${operands}`.trim(), summary])
  return [
    'Usage: tiercache <command> [operands] --url redis://localhost:6379 --name shop',
    `\nCommands that only read:\n${table(rowsOf(COMMANDS.filter(({ name }) => !CHANGES.has(name))), { indent: '  ' })}`,
    `\nCommands that change the cache, in every process:\n${table(rowsOf(COMMANDS.filter(({ name }) => CHANGES.has(name))), { indent: '  ' })}`,
    `\nOptions of all commands:\n${optionsText(COMMON_OPTIONS)}`,
    `\n${EXIT_CODES}\nMore about one command: tiercache <command> --help. The version: tiercache --version`,
  ].join('\n')
}

/** The help of one command. */
export function helpOf(command: Command): string {
  const { name, operands, summary, details, options } = command
  const own = Object.keys(options).length === 0 ? [] : [`\nIts options:\n${optionsText(options)}`]
  return [
    `Usage: ${['tiercache', name, operands].filter(Boolean).join(' ')} [options]`,
    `\n${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`,
    ...(details === undefined ? [] : [details]),
    ...own,
    `\nOptions of all commands:\n${optionsText(COMMON_OPTIONS)}`,
    `\n${EXIT_CODES}`,
  ].join('\n')
}

function optionsText(options: Readonly<Record<string, OptionSpec>>): string {
  const rows = Object.entries(options).map(([name, { argument, help }]) => [`--${name} ${argument ?? ''}`.trim(), help])
  return table(rows, { indent: '  ' })
}
