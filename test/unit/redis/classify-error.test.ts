import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { CacheError } from '../../../src/model/errors.js'
import { faultBehind, faultOf, toCacheError } from '../../../src/redis/client/classify-error.js'

describe('the classification of an error of Redis', () => {
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

  test('an error of the cache names the operation, keeps the cause and has the kind of fault', () => {
    const cause = new Error("OOM command not allowed when used memory > 'maxmemory'.")
    const error = toCacheError(cause, 'execute SET')
    expect(error).toMatchObject({ code: 'L2_UNAVAILABLE', cause })
    expect(error.message).toMatch(/^Redis could not execute SET: OOM .* Raise maxmemory/)
    expect(faultBehind(error)).toBe('outOfMemory')
  })

  test('a refusal of this client has its own code and advice', () => {
    const error = toCacheError(new Error('NOAUTH Authentication required.'), 'be reached')
    expect(error.code).toBe('L2_AUTH_FAILED')
    expect(error.message).toContain('password: process.env.REDIS_PASSWORD')
  })

  test.each<[string, unknown, string]>([
    ['the ready check of a client', new Error('Ready check failed: NOAUTH Authentication required.'), 'L2_AUTH_FAILED'],
    [
      'a password for a server without one',
      new Error('ERR AUTH <password> called without any password configured'),
      'L2_AUTH_FAILED',
    ],
    ['an old server', new Error('ERR invalid password'), 'L2_AUTH_FAILED'],
    [
      'a refused port',
      Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
      'L2_CONNECTION_REFUSED',
    ],
    [
      'every address of localhost refused, in an error without a text',
      Object.assign(new AggregateError([new Error('connect ECONNREFUSED ::1:1')], ''), { code: 'ECONNREFUSED' }),
      'L2_CONNECTION_REFUSED',
    ],
    [
      'an unknown host name',
      Object.assign(new Error('getaddrinfo ENOTFOUND redis'), { code: 'ENOTFOUND' }),
      'L2_HOST_UNKNOWN',
    ],
    ['a name server that does not respond', new Error('getaddrinfo EAI_AGAIN redis'), 'L2_HOST_UNKNOWN'],
    [
      'a server without TLS',
      Object.assign(new Error('write EPROTO 0A00010B:SSL routines'), { code: 'EPROTO' }),
      'L2_TLS_FAILED',
    ],
    [
      'a self-signed certificate',
      Object.assign(new Error('self-signed certificate'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' }),
      'L2_TLS_FAILED',
    ],
    [
      'a server with TLS',
      new Error('Protocol error, got "\\u0015" as reply type byte. Please report this.'),
      'L2_TLS_FAILED',
    ],
    ['a web server', new Error('Protocol error, got "H" as reply type byte. Please report this.'), 'L2_MISCONFIGURED'],
    [
      'the real cause inside the error of a cluster',
      Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: new Error('WRONGPASS invalid') }),
      'L2_AUTH_FAILED',
    ],
    [
      'the real cause in the text of Sentinel',
      new Error('All sentinels are unreachable. Last error: NOAUTH Authentication required.'),
      'L2_AUTH_FAILED',
    ],
    ['protected mode', new Error('DENIED Redis is running in protected mode'), 'L2_MISCONFIGURED'],
    ['a replica', new Error("READONLY You can't write against a read only replica."), 'L2_REPLICA'],
    ['what heals by itself', new Error('LOADING Redis is loading the dataset in memory'), 'L2_UNAVAILABLE'],
  ])('%s has its own code, and the cause', (_name, error, code) => {
    const said = toCacheError(error, 'be reached')
    expect(said.code).toBe(code)
    expect(said.cause).toBeInstanceOf(Error)
    expect(said.message.length, 'says what to do').toBeGreaterThan((error as Error).message.length + 20)
  })

  test('no error contains the arguments of the failed command, which may be a password or a cached value', () => {
    const reply = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      command: { name: 'auth', args: ['correct-horse-battery'] },
    })
    reply.name = 'ReplyError'
    const nested = Object.assign(new Error('Failed to refresh slots cache.'), { lastNodeError: reply })
    for (const error of [reply, nested]) {
      const said = toCacheError(error, 'be reached')
      expect(inspect(said, { depth: 9, showHidden: true })).not.toContain('horse-battery')
      expect(inspect(said, { depth: 9 })).toMatch(/ReplyError.*: WRONGPASS/)
    }
    expect(reply.command.args, 'the error of the client is not written to').toEqual(['correct-horse-battery'])
  })

  test('an error of the cache stays as it is, and any other thrown value is wrapped in one', () => {
    const own = new CacheError('CLOSED', 'closed')
    expect(toCacheError(own, 'x')).toBe(own)
    expect(toCacheError('just text', 'x')).toMatchObject({ code: 'L2_UNAVAILABLE', cause: 'just text' })
  })
})
