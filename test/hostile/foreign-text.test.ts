// Text from outside that gets into messages: of a server, a getter, a schema, a name in a value, or an option in the wrong place.
import { inspect } from 'node:util'
import { createCache } from 'tiercache'
import { redisTier } from 'tiercache/redis'
import { describe, expect, test } from 'vitest'
import { CacheError, show } from '../../src/model/errors.js'
import { foreignReason, foreignText } from '../../src/model/text/foreign-text.js'
import { toCacheError } from '../../src/redis/client/classify-error.js'

const PASSWORD = 'hunter2-hunter2'
const VALUE = 'what was to be cached'

describe('text from outside', () => {
  test.each([
    ['raw escape sequences', '\u001b[2Jgone', '\\u{1b}[2Jgone'],
    ['raw C1 control sequences', '\u009b2Jgone', '\\u{9b}2Jgone'],
    [
      'line breaks that could fake log entries',
      'a\nERROR b\u2028c\u2029d\re',
      'a\\nERROR b\\u{2028}c\\u{2029}d\\u{d}e',
    ],
    ['marks that change the direction of writing', 'a\u202eb\u2066c\u200fd', 'a\\u{202e}b\\u{2066}c\\u{200f}d'],
    ['characters without width', 'a\u200bb\ufeffc\u00add', 'a\\u{200b}b\\u{feff}c\\u{ad}d'],
    ['lone surrogates', 'a\ud800b', 'a\\u{d800}b'],
    ['changes where it is another language or emoji', 'Füße 漢字 🙂', 'Füße 漢字 🙂'],
  ])('is shown without %s', (_, text, shown) => {
    expect(foreignText(text)).toBe(shown)
  })

  test('of a megabyte is cut', () => {
    expect(foreignText('x'.repeat(1024 * 1024)).length).toBe(300)
    expect(foreignText('\u001b'.repeat(1024 * 1024)).length).toBeLessThan(3_000)
  })

  test('is replaced by a phrase where printing it throws', () => {
    expect(foreignReason({ toString: 0, valueOf: 0 })).toBe('something that cannot be shown')
    const hostile = new Proxy([], { get: () => fail() })
    expect(show(hostile)).toBe('an object that cannot be read')
  })
})

function fail(): never {
  throw new Error('a trap')
}

describe('a secret passed in the wrong place is not shown:', () => {
  const URLS = [
    `redis://user:${PASSWORD}@h`,
    ` redis://:${PASSWORD}@h`,
    `valkey://:${PASSWORD}@h:1`,
    `:${PASSWORD}@host:6379`,
    `postgres://u:${PASSWORD}@h/db?ssl=true&and=more`,
    `${PASSWORD}${PASSWORD}${PASSWORD}`,
    '4eC39HqLyjWDarjtT1zdp7dcAA',
  ]
  const PLACES: Record<string, (text: never) => unknown> = {
    'the options of createCache': (text) => createCache(text),
    name: (name) => createCache({ name }),
    version: (version) => createCache({ version }),
    ttl: (ttl) => createCache({ ttl }),
    l1: (l1) => createCache({ l1 }),
    l2: (l2) => createCache({ l2 }),
    bus: (bus) => createCache({ bus }),
    'an unknown option': (name) => createCache({ [name]: 1 }),
    logger: (logger) => createCache({ logger }),
    clock: (clock) => createCache({ clock }),
    tiers: (tiers) => createCache({ tiers }),
    'recovery.window': (window) => createCache({ l2: redisTier('redis://h'), recovery: { window } }),
    'the target of redisTier': (text: string) => redisTier(text.replace('redis://user', 'radis://user')),
    'redisTier timeout': (timeout) => createCache({ l2: redisTier('redis://h', { timeout }) }),
    'redisTier bus': (bus) => redisTier('redis://h', { bus }),
    'an option of redisTier': (name) => redisTier('redis://h', { [name]: 1 } as never),
    'an option of a connection': (name) => redisTier({ [name]: 1 } as never),
    'the url of a connection': (text: string) => redisTier({ url: text.replace('redis://user', 'radis://user') }),
    subscriber: (subscriber) => redisTier('redis://h', { subscriber }),
    codec: (codec) => createCache({ l2: redisTier('redis://h', { codec }) }),
    compress: (compress) => createCache({ l2: redisTier('redis://h', { compress }) }),
    'the name of an event': (name) => createCache({ logger: false }).on(name, fail),
  }

  test.each(Object.keys(PLACES))('%s', (place) => {
    for (const url of URLS) {
      const error = thrownBy(() => PLACES[place]?.(url as never))
      // As a name it is accepted, and names are part of every key.
      if (error === undefined && ['name', 'version'].includes(place) && /^[\w.-]+$/.test(url)) continue
      expect(error, url).toMatchObject({ code: expect.stringMatching(/^INVALID_/) })
      const printed = inspect(error, { depth: 9 })
      for (const secret of [PASSWORD, '4eC39HqLyjWDarjtT1zdp7dcAA']) {
        // The stack shows the lines of this file, but not the text that was passed.
        if (url.includes(secret)) expect(printed).not.toContain(secret)
      }
    }
  })
})

function thrownBy(run: () => unknown): unknown {
  try {
    run()
  } catch (error) {
    return error
  }
  return undefined
}

describe('an error of the client', () => {
  const command = { name: 'set', args: ['shop:k', VALUE] }
  const withCommand = (message: string) => Object.assign(new Error(message), { command })

  const SHAPES: Record<string, () => Error> = {
    'with its command': () => withCommand('ERR no'),
    'with its arguments': () => Object.assign(new Error('ERR no'), { args: command.args }),
    'as a cause': () => new Error('outer', { cause: new Error('middle', { cause: withCommand('ERR no') }) }),
    'as the last error of a cluster': () => Object.assign(new Error('all'), { lastNodeError: withCommand('ERR no') }),
    'among several': () => new AggregateError([new Error('first'), withCommand('ERR no')], 'all'),
    'among previous ones': () => Object.assign(new Error('EXECABORT'), { previousErrors: [withCommand('ERR no')] }),
    'in a cycle': () => {
      const error = withCommand('ERR no')
      return Object.assign(error, { cause: error })
    },
    'that is no Error': () => ({ message: 'ERR no', command }) as never,
    'whose cause is no Error': () => new Error('outer', { cause: { message: 'ERR no', command } }),
    'whose text repeats arguments': () =>
      new Error(`ERR unknown command 'SETT', with args beginning with: 'shop:k' '${VALUE}'`),
  }

  test.each(Object.keys(SHAPES))('%s shows no key and no value, however it is printed', (shape) => {
    const error = toCacheError(SHAPES[shape]?.(), 'set')
    for (const printed of [inspect(error, { depth: 99, showHidden: true }), error.message, error.stack]) {
      expect(printed).not.toContain(VALUE)
      expect(printed).not.toContain('shop:k')
    }
  })

  test('still says what happened, with a code', () => {
    const system = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED', port: 1 })
    expect(toCacheError(system, 'connect')).toMatchObject({ code: 'L2_CONNECTION_REFUSED', cause: system })
    const error = toCacheError(Object.assign(new AggregateError([system], 'all'), { command }), 'connect')
    expect(error.cause).toMatchObject({ message: 'all', cause: { code: 'ECONNREFUSED', port: 1 } })
  })

  test('with a megabyte of control characters becomes one short line', () => {
    const error = toCacheError(new Error(`ERR \u001b[2J\n${'x'.repeat(1024 * 1024)}`), 'set')
    expect(error.message.length).toBeLessThan(600)
    expect(error.message).not.toMatch(/[\p{Cc}]/u)
    expect(inspect(error.cause).length).toBeLessThan(10_000)
  })
})

describe('a refused value', () => {
  test.each<[string, unknown]>([
    ['key in a Map', new Map([['\u001b[2J', () => 1]])],
    ['property name', { '\u001b[2J\u202e': () => 1 }],
    ['error thrown by a getter', Object.defineProperty({}, 'x', { enumerable: true, get: () => throwing() })],
    ['class name', { x: new { '\u001b[2J': class {} }['\u001b[2J']!() }],
    ['symbol description', { x: Symbol('\u001b[2J'.repeat(1_000)) }],
  ])('with a hostile %s is described without control characters', async (_, value) => {
    await using cache = createCache({ logger: false })
    const error = await cache.set('k', value).then(undefined, (reason: unknown) => reason)
    expect(error).toBeInstanceOf(CacheError)
    expect((error as Error).message).not.toMatch(/[\p{Cc}\u202e]/u)
    expect((error as Error).message.length).toBeLessThan(1_000)
  })

  test("that a schema refused is described without the further data of the schema's issues", async () => {
    const issue = { message: `\u001b[2J${'x'.repeat(10_000)}`, path: ['a\u001b'], input: VALUE, received: VALUE }
    const issues = Array.from({ length: 500 }, () => issue)
    const schema = { '~standard': { version: 1 as const, vendor: 'hostile', validate: () => ({ issues }) } }
    await using cache = createCache({ logger: false, schema })
    const error = await cache.getOrSet('k', () => VALUE).then(undefined, (reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'SCHEMA_MISMATCH', message: expect.stringMatching(/and 490 more/) })
    expect((error as Error).message).not.toMatch(/\p{Cc}/u)
    expect((error as Error).message.length).toBeLessThan(5_000)
    expect(inspect(error, { depth: 9, maxArrayLength: null })).not.toContain(VALUE)
  })
})

function throwing(): never {
  throw new Error(`\u001b[2J${'x'.repeat(10_000)}`)
}

test('log lines contain no control characters, even if the logged error does', async () => {
  const lines: string[] = []
  const logger = {
    warn: (_: object, line: string) => lines.push(line),
    error: (_: object, line: string) => lines.push(line),
  }
  await using cache = createCache({ logger })
  cache.on('loaded', throwing)
  await cache.getOrSet('k', () => 1)
  expect(lines).toHaveLength(1)
  expect(lines[0]).not.toMatch(/\p{Cc}/u)
  expect(lines[0]?.length).toBeLessThan(500)
})
