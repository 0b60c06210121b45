// The public entries of the package, in one list: `tiercache` itself and one subpath per folder of src/.
// The build reads it, `npm run exports` writes package.json#exports from it, and an architecture test compares the two.

export const subpaths = ['redis', 'testing', 'decorators', 'ports', 'extensions', 'prometheus', 'otel'] as const

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
