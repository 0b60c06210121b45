// The public entries of the package, in one list: `tiercache` itself and one subpath per folder of src/.
// The build reads it, `npm run exports` writes package.json#exports from it, and an architecture test compares the two. It also has the
// programs of the package.

export const subpaths = [
  'redis',
  'testing',
  'decorators',
  'ports',
  'extensions',
  'prometheus',
  'otel',
  'devtools',
  'http',
  'nestjs',
  'sessions',
  'keyv',
  'sql',
  'llm',
  'semantic',
] as const

/**
 * The programs of package.json#bin, by name: a folder of src/ with a `main.ts` each. They import the entries above as a user's program does,
 * and are built as ES modules only, since nobody imports them.
 */
export const programs = { tiercache: 'cli' } as const

/** Name of the built file (without extension) → its source, for the programs. */
export function programEntries(): Record<string, string> {
  return Object.fromEntries(Object.values(programs).map((folder) => [folder, `src/${folder}/main.ts`]))
}

/** What package.json#bin has to say. */
export function packageBin(): Record<string, string> {
  return Object.fromEntries(Object.entries(programs).map(([name, folder]) => [name, `./dist/${folder}.js`]))
}

/** Name of the built file (without extension) → its source. */
export function entries(): Record<string, string> {
  const folders = subpaths.map((name) => [name, `src/${name}/index.ts`])
  return Object.fromEntries([['index', 'src/index.ts'], ...folders])
}

interface Target {
  types: string
  default: string
}

/** The content of package.json#exports for these entries. Types come first, since resolvers take the first match. */
export function packageExports(): Record<string, { import: Target; require: Target } | string> {
  const targets = Object.keys(entries()).map((name) => [
    name === 'index' ? '.' : `./${name}`,
    {
      import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
      require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
    },
  ])
  return Object.fromEntries([...targets, ['./package.json', './package.json']])
}

/** Types for `moduleResolution: node` (node10), which does not know exports and is what many NestJS projects still use. */
export function packageTypesVersions(): { '*': Record<string, string[]> } {
  return { '*': Object.fromEntries(subpaths.map((name) => [name, [`./dist/${name}.d.cts`]])) }
}
