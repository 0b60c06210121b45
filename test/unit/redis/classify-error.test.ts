import { describe, expect, test } from 'vitest'
import { CacheError } from '../../../src/model/errors.js'
import { faultBehind, faultOf, toCacheError } from '../../../src/redis/classify-error.js'

describe('what an error of Redis means', () => {
  test.each([
    ["READONLY You can't write against a read only replica.", 'readOnly'],
    ["OOM command not allowed when used memory > 'maxmemory'.", 'outOfMemory'],
    ['WRONGTYPE Operation against a key holding the wrong kind of value', 'wrongType'],
    ['NOSCRIPT No matching script. Please use EVAL.', 'scriptMissing'],
    ['MOVED 3999 127.0.0.1:6381', 'moved'],
    ['ASK 3999 127.0.0.1:6381', 'moved'],
    ['NOAUTH Authentication required.', 'misconfigured'],
    ['WRONGPASS invalid username-password pair or user is disabled.', 'misconfigured'],
    ["NOPERM this user has no permissions to run the 'set' command", 'misconfigured'],
    ["ERR unknown command 'unlink', with args beginning with:", 'misconfigured'],
    ['ERR syntax error', 'misconfigured'],
    ['Connection in subscriber mode, only subscriber commands may be used', 'misconfigured'],
    ['LOADING Redis is loading the dataset in memory', 'unavailable'],
    ['MASTERDOWN Link with MASTER is down', 'unavailable'],
    ['CLUSTERDOWN The cluster is down', 'unavailable'],
    ['TRYAGAIN Multiple keys request during rehashing of slot', 'unavailable'],
    ['MISCONF Redis is configured to save RDB snapshots', 'unavailable'],
    ['Connection is closed.', 'unavailable'],
    ["Stream isn't writeable and enableOfflineQueue options is false", 'unavailable'],
    ['connect ECONNREFUSED 127.0.0.1:6379', 'unavailable'],
    ['', 'unavailable'],
  ])('%s: %s', (message, fault) => {
    expect(faultOf(new Error(message))).toBe(fault)
  })

  test('an error for the cache says what was tried, keeps the cause and remembers its fault', () => {
    const cause = new Error("OOM command not allowed when used memory > 'maxmemory'.")
    const error = toCacheError(cause, 'execute SET')
    expect(error).toMatchObject({ code: 'L2_UNAVAILABLE', cause })
    expect(error.message).toMatch(/^Redis could not execute SET: OOM .* Raise maxmemory/)
    expect(faultBehind(error)).toBe('outOfMemory')
  })

  test('a refusal of this client has a code of its own and advice', () => {
    const error = toCacheError(new Error('NOAUTH Authentication required.'), 'be reached')
    expect(error.code).toBe('L2_MISCONFIGURED')
    expect(error.message).toContain('Check the password')
  })

  test('an error of the cache stays as it is, and whatever was thrown becomes one', () => {
    const own = new CacheError('CLOSED', 'closed')
    expect(toCacheError(own, 'x')).toBe(own)
    expect(toCacheError('just text', 'x')).toMatchObject({ code: 'L2_UNAVAILABLE', cause: 'just text' })
  })
})
