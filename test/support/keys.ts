// Encryption keys for tests: the same in each run, and accepted like random ones.
import { createHash } from 'node:crypto'

export function testKey(name: string): Buffer {
  return createHash('sha256').update(`a key of the tests: ${name}`).digest()
}
