// The fault matrix: whatever is the matter with Redis or the way to it, reads are answered, changes are kept, and all heals by itself.
import { describe, test } from 'vitest'
import { CELLS } from './matrix-cells.js'
import { play } from './matrix-runner.js'

describe.concurrent('reads return, no change is lost and the cache recovers by itself when', () => {
  test.each(CELLS.map((cell) => [cell.name, cell] as const))('%s', (_, cell) => play(cell))
})
