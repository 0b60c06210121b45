import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../../src/cli/all.js'
import { COMMON_OPTIONS } from '../../../src/cli/usage.js'
import { runCommand } from '../../support/command-line.js'

const WHERE = ['--url', 'redis://localhost', '--name', 'shop']

describe('the command line', () => {
  test('shows an overview with every command', async () => {
    const { code, out } = await runCommand(['--help'])
    expect(code).toBe(0)
    for (const { name, summary } of COMMANDS)
      expect(out).toMatch(new RegExp(`^  ${name}\\b.*${summary.slice(0, 20)}`, 'm'))
  })

  test('shows the version of the package', async () => {
    expect(await runCommand(['--version'])).toEqual({ code: 0, out: '1.2.3\n', err: '' })
  })

  test.each(COMMANDS.map(({ name }) => name))('shows the help of %s without a Redis', async (name) => {
    const { code, out } = await runCommand([name, '--help'])
    expect(code).toBe(0)
    expect(out).toMatch(new RegExp(`^Usage: tiercache ${name}\\b`))
    expect(out).toMatch(/--timeout <duration>/)
    expect(out).toMatch(/Exit codes: 0 done, 1/)
  })

  test.each<[string, string[], RegExp]>([
    ['nothing', [], /No command is given.*tiercache --help/],
    ['an unknown command', ['flush'], /There is no command flush/],
    ['a command that is nearly right', ['invalidatetags', 'a'], /Did you mean invalidate-tags\?/],
    ['options before the command', ['--name', 'shop', 'get', 'k'], /The command stands before its options/],
    ['an unknown option', ['get', 'k', '--nmae', 'shop'], /--nmae.*tiercache get --help/],
    ['no key', ['get', ...WHERE], /get takes 1; got 0/],
    ['too many operands', ['stats', 'k', ...WHERE], /stats takes no operand; got 1/],
    ['no Redis', ['get', 'k'], /No Redis is named/],
    ['clear without --yes', ['clear', ...WHERE], /Nothing was done. Add --yes/],
    ['delete without keys', ['delete', ...WHERE], /at least one key, or --prefix/],
    ['an empty prefix', ['delete', '--prefix', '', ...WHERE], /clear --yes/],
    ['keys and a prefix', ['delete', 'k', '--prefix', 'a', ...WHERE], /keys or --prefix, not both/],
    [
      'a name that no cache has',
      ['get', 'k', '--url', 'redis://localhost', '--name', 'a b'],
      /the name of a cache|name must be/,
    ],
    ['a limit that is no number', ['top', '--limit', 'all', ...WHERE], /--limit must be a whole number/],
  ])('refuses %s with a sentence and exit code 2', async (_, args, message) => {
    const { code, out, err } = await runCommand(args)
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toMatch(message)
    expect(err).not.toMatch(/^\s+at /m)
  })

  test('shows a stack only with --debug', async () => {
    const args = ['get', 'k', '--nonsense']
    expect((await runCommand(args)).err).not.toMatch(/^\s+at /m)
    expect((await runCommand([...args, '--debug'])).err).toMatch(/^\s+at /m)
  })
})

describe('docs/guides/command-line.md', () => {
  const guide = readFileSync(new URL('../../../docs/guides/command-line.md', import.meta.url), 'utf8')

  test('has a section for every command, and names every option', () => {
    const headings = [...guide.matchAll(/^## (.*)$/gm)].flatMap(([, heading = '']) => heading.split(', '))
    for (const { name, options } of COMMANDS) {
      expect(headings).toContain(name)
      for (const option of Object.keys(options)) expect(guide).toContain(`--${option}`)
    }
    for (const option of Object.keys(COMMON_OPTIONS)) expect(guide).toContain(`--${option}`)
  })
})
