// The built package carries a copy of msgpackr of its own: what an application does with its own msgpackr, whose extensions are global to the
// process, changes nothing here, and the other way round. Nor does ours ever generate code.
import { execFile } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, inject, test } from 'vitest'

const run = promisify(execFile)

const FORMATS = {
  'program.mjs': { load: (path: string) => `await import('${path}')`, suffix: 'js' },
  'program.cjs': { load: (path: string) => `require('${path}')`, suffix: 'cjs' },
} as const

/** Through L2 and back: a value with Dates, Sets, holes, and rows enough for a decoder that compiles to do so. */
const ROUND_TRIP = `
  async function roundTrip({ createCache }, { MemoryServer, memoryTier }) {
    const server = new MemoryServer()
    const [writer, reader] = [1, 2].map(() => createCache({ ttl: '1m', l2: memoryTier(server), logger: false }))
    const rows = Array.from({ length: 20 }, (_, id) => ({ id, at: new Date(id), tags: new Set([id]), none: undefined }))
    await writer.set('k', rows)
    const back = await reader.get('k')
    await Promise.all([writer.close(), reader.close()])
    return require('node:util').isDeepStrictEqual(back, rows)
  }
`

const FOREIGN = `
  function register(packages, type) {
    for (const { addExtension } of packages) {
      for (const [i, Class] of [Date, Set, Object, Uint8Array].entries()) {
        addExtension({ Class, type: type + i, pack: () => Buffer.from('foreign'), unpack: () => 'foreign' })
      }
    }
  }
`

async function outputOf(
  name: keyof typeof FORMATS,
  program: string,
  nodeArgs: readonly string[] = [],
): Promise<unknown> {
  const folder = inject('builtPackage')
  const { load, suffix } = FORMATS[name]
  const head = name.endsWith('mjs')
    ? "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"
    : ''
  const source = `${head}
    ${ROUND_TRIP}
    ${FOREIGN}
    const load = {
      cache: async () => ${load(`./dist/index.${suffix}`)},
      testing: async () => ${load(`./dist/testing.${suffix}`)},
      msgpackr: async () => [${load('msgpackr')}, ${load('msgpackr/index-no-eval')}],
    }
    ;(async () => { ${program} })()`
  writeFileSync(join(folder, name), source)
  const { stdout } = await run(process.execPath, ['--unhandled-rejections=strict', ...nodeArgs, name], { cwd: folder })
  return JSON.parse(stdout)
}

describe.each(Object.keys(FORMATS) as (keyof typeof FORMATS)[])('in %s', (name) => {
  test('extensions that an application registers for Date, Set and others change nothing, before and after', async () => {
    const program = `
      const packages = await load.msgpackr()
      register(packages, 0x21)
      const parts = [await load.cache(), await load.testing()]
      const before = await roundTrip(...parts)
      register(packages, 0x31)
      const after = await roundTrip(...parts)
      const theirs = packages.map(({ pack, unpack }) => unpack(pack(new Date(5))))
      console.log(JSON.stringify({ before, after, theirs }))`
    expect(await outputOf(name, program)).toEqual({ before: true, after: true, theirs: ['foreign', 'foreign'] })
  })

  test('values are read where a process may generate no code', async () => {
    const program = `
      let refused = false
      try { new Function('return 1')() } catch { refused = true }
      console.log(JSON.stringify({ refused, works: await roundTrip(await load.cache(), await load.testing()) }))`
    const flags = ['--disallow-code-generation-from-strings']
    expect(await outputOf(name, program, flags)).toEqual({ refused: true, works: true })
  })
})
