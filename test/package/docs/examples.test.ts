// Every TypeScript example of the README and of the guides, compiled and run with the package as it is published.
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, expect, inject, test } from 'vitest'
import { type Consumer, createConsumer, npmEnvironment } from '../../support/consumer.js'
import {
  CONTEXT_FILE,
  type ExampleLanguage,
  fileNameOf,
  LANGUAGE_OPTIONS,
  programsIn,
  promisesOf,
} from '../../support/docs/pages.js'
import { type PostgresServer, startPostgres } from '../../support/postgres.js'
import { type RedisServer, startRedis } from '../../support/redis-server.js'

const run = promisify(execFile)
const MODULES = fileURLToPath(new URL('../../../node_modules', import.meta.url))
const WORLD = fileURLToPath(new URL('fixtures/docs-world.ts', import.meta.url))
const BUNDLER = { module: 'esnext', moduleResolution: 'bundler', lib: ['ES2023', 'esnext.disposable', 'dom'] }

/** Servers of the examples listen on fixed ports. Here they get free ones. */
const FREE_PORTS = `
import { Server } from 'node:net'
const listen = Server.prototype.listen
Server.prototype.listen = function (port, ...rest) {
  if (typeof port === 'object' && port !== null && 'port' in port) return listen.call(this, { ...port, port: 0 }, ...rest)
  return listen.call(this, typeof port === 'number' ? 0 : port, ...rest)
}
`

const LANGUAGES: readonly ExampleLanguage[] = ['ts', 'typescript']
const programs = LANGUAGES.flatMap((language) =>
  [...programsIn(language)].map(([page, text]) => ({ page, language, text, file: `${language}-${fileNameOf(page)}` })),
)
const readme = programs.filter(({ page }) => page.startsWith('README.md'))
const inPages = programs.filter((program) => !readme.includes(program))

let consumer: Consumer
let redis: RedisServer
let postgres: PostgresServer

beforeAll(async () => {
  ;[redis, postgres] = await Promise.all([startRedis(), startPostgres()])
  postgres.query('create table items (id int primary key, org int, name text); create table orgs (id int primary key)')
  consumer = await createConsumer([inject('tarball'), 'prom-client@15', '@opentelemetry/api@1'])
  linkMissing(MODULES, join(consumer.folder, 'node_modules'))
  consumer.write('package.json', JSON.stringify({ name: 'consumer', private: true, type: 'module' }))
  consumer.write('free-ports.js', FREE_PORTS)
  consumer.write('docs-context.ts', readFileSync(CONTEXT_FILE, 'utf8'))
  consumer.write('docs-world.ts', readFileSync(WORLD, 'utf8'))
  consumer.write('docs-context.js', compiled(readFileSync(WORLD, 'utf8')))
  for (const { file, text, language } of programs) {
    consumer.write(file, text)
    consumer.write(file.replace('.ts', '.js'), compiled(text, LANGUAGE_OPTIONS[language]))
  }
})

afterAll(async () => {
  consumer?.stop()
  await redis?.stop()
  await postgres?.stop()
})

/** The packages that examples import beside the tarball are those that this repository tests with. */
function linkMissing(from: string, to: string): void {
  for (const name of readdirSync(from)) {
    if (name.startsWith('@') && existsSync(join(to, name))) linkMissing(join(from, name), join(to, name))
    else if (!name.startsWith('.') && !existsSync(join(to, name))) symlinkSync(join(from, name), join(to, name))
  }
}

function compiled(text: string, options: ts.CompilerOptions = {}): string {
  const target = { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext }
  return ts.transpileModule(text, { compilerOptions: { ...target, ...options } }).outputText
}

/** Runs a module of the project and returns the lines that it printed. Rejects if it fails, or does not end. */
async function runModule(file: string): Promise<string[]> {
  await redis.command('FLUSHALL')
  const key = Buffer.alloc(32, 1).toString('base64')
  const { host: PGHOST, port } = postgres
  const database = { PGHOST, PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  const env = { ...npmEnvironment(), ...database, REDIS_URL: redis.url, KEY: key, OLD_KEY: key, NO_COLOR: '1' }
  const args = ['--unhandled-rejections=strict', '--import', './free-ports.js', file]
  const { stdout } = await run(process.execPath, args, { cwd: consumer.folder, env, timeout: 60_000 })
  return stdout.trimEnd().split('\n')
}

test.each(LANGUAGES)('every example in `%s` compiles', (language) => {
  const files = programs.filter((one) => one.language === language).map(({ file }) => file)
  expect(files.length).toBeGreaterThan(1)
  expect(consumer.compileFiles(['docs-world.ts', ...files], { ...BUNDLER, ...LANGUAGE_OPTIONS[language] })).toBe('')
})

test.each(readme)('$page runs as it is, and ends', async ({ file }) => {
  await runModule(file.replace('.ts', '.js'))
})

test('the first example of the README prints the user and the hit ratio', async () => {
  expect(await runModule('ts-page-README-md-1.js')).toEqual(['Ada 0'])
})

test.each(inPages)('the examples in `$language` of $page run, and print what their comments say', async (program) => {
  // The page itself need not close what it opens: its examples are parts of an application.
  const main = `main-${program.file.replace('.ts', '.js')}`
  consumer.write(
    main,
    `import { page } from './${program.file.replace('.ts', '.js')}'\nawait page()\nprocess.exit(0)\n`,
  )
  const printed = await runModule(main)
  const promised = promisesOf(program.text.split('\n'))
  if (promised.length > 0) expect(printed).toEqual(promised)
})

test('an example that fails, or prints something else, is noticed', async () => {
  consumer.write('wrong.js', "import { createCache } from 'tiercache'\ncreateCache({ ttl: -1 })\n")
  await expect(runModule('wrong.js')).rejects.toThrow('INVALID_OPTION')
  expect(promisesOf(["console.log('a') // a", '// b', 'let c // c'])).toEqual(['a', 'b'])
})
