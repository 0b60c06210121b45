// The fault matrix: whatever happens to Redis or its links, reads return, changes are kept, and the cache recovers by itself.
import { describe, test } from 'vitest'
import { CELLS } from './matrix-cells.js'
import { play } from './matrix-runner.js'

describe.concurrent('reads return, no change is lost and the cache recovers by itself when', () => {
  test.each(CELLS.map((cell) => [cell.name, cell] as const))('%s', (_, cell) => play(cell))
})
