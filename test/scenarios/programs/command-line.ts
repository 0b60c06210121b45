// The program `tiercache`, from its sources. Not a plain import: a bundler drops it, since the package promises that its modules have no effects.
await import('../../../src/cli/main.js')

export {}
