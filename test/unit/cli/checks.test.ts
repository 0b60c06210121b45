import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { checkBus } from '../../../src/cli/checks/data-checks.js'
import type { Finding } from '../../../src/cli/checks/finding.js'
import { parseInfo } from '../../../src/cli/checks/info.js'
import { type Ask, checkRights, keyFormsOf, rightsOf } from '../../../src/cli/checks/rights.js'
import { checkClock, checkInfo, checkLatency } from '../../../src/cli/checks/server-checks.js'

const GOOD = {
  ...{ redis_version: '7.0.15', redis_mode: 'standalone', role: 'master' },
  ...{ used_memory: '1048576', maxmemory: '104857600', maxmemory_policy: 'allkeys-lru' },
}

const about = (findings: readonly Finding[], name: string): Finding | undefined =>
  findings.find((each) => each.about === name)

describe('INFO', () => {
  test('is read field by field', () => {
    expect(parseInfo('# Server\r\nredis_version:7.0.15\r\nslave0:ip=1,lag=0\r\n\r\n')).toEqual({
      redis_version: '7.0.15',
      slave0: 'ip=1,lag=0',
    })
  })

  test('of a good server gives nothing to change', () => {
    const findings = checkInfo(GOOD, false)
    expect(findings.filter(({ level }) => level !== 'ok')).toEqual([])
    expect(about(findings, 'memory')?.text).toBe(
      '1.0 MB used of 100 MB, allkeys-lru: what is used least is evicted; an evicted entry or token is a miss, never an old value',
    )
  })

  test.each([
    ['an old Redis', { redis_version: '6.2.14' }, 'version', 'wrong'],
    ['an old Valkey', { valkey_version: '7.1.0', redis_version: '7.2.4' }, 'version', 'wrong'],
    ['a new Valkey', { valkey_version: '8.1.0', redis_version: '7.2.4' }, 'version', 'ok'],
    ['a node of a cluster', { redis_mode: 'cluster' }, 'kind', 'wrong'],
    ['a sentinel', { redis_mode: 'sentinel' }, 'kind', 'wrong'],
    ['no limit of memory', { maxmemory: '0' }, 'memory', 'warning'],
    ['noeviction', { maxmemory_policy: 'noeviction' }, 'memory', 'warning'],
    ['volatile-ttl', { maxmemory_policy: 'volatile-ttl' }, 'memory', 'ok'],
    ['a server that loads', { loading: '1' }, 'persistence', 'wrong'],
    ['a failed save', { rdb_last_bgsave_status: 'err' }, 'persistence', 'warning'],
    ['a replica', { role: 'slave' }, 'replication', 'wrong'],
    ['a replica in step', { slave0: 'ip=1,port=2,state=online,offset=3,lag=1' }, 'replication', 'ok'],
    ['a late replica', { slave0: 'ip=1,port=2,state=online,offset=3,lag=60' }, 'replication', 'warning'],
    [
      'a replica that is not online',
      { slave0: 'ip=1,port=2,state=wait_bgsave,offset=3,lag=0' },
      'replication',
      'warning',
    ],
  ])('of %s', (_, change, name, level) => {
    const finding = about(checkInfo({ ...GOOD, ...change }, false), name)
    expect(finding?.level).toBe(level)
    // Whatever is not as it should be comes with what to change.
    if (level !== 'ok') expect(finding?.fix).toMatch(/\w/)
  })

  test('of a single server that was taken for a cluster', () => {
    expect(about(checkInfo(GOOD, true), 'kind')).toMatchObject({ level: 'wrong', fix: 'Leave out --cluster' })
  })
})

test.each([
  [0, 'ok'],
  [-900, 'ok'],
  [-5_000, 'warning'],
  [90_000, 'warning'],
])('a clock that differs by %d ms', (ms, level) => {
  expect(checkClock(ms).level).toBe(level)
})

test.each([
  ['fast', 0.4, 'ok'],
  ['slow', 50, 'warning'],
  ['slower than the timeout', 400, 'wrong'],
])('a server that is %s', (_, ms, level) => {
  expect(checkLatency(Array.from({ length: 100 }, () => ms)).level).toBe(level)
})

test('single late replies are no slow server', () => {
  const times = Array.from({ length: 100 }, (_, i) => (i < 3 ? 500 : 1))
  expect(checkLatency(times)).toMatchObject({
    level: 'ok',
    text: expect.stringMatching(/p50 1\.00 ms, p95 1\.00 ms of 100/),
  })
})

describe('the stream of announcements', () => {
  test('is well when it has entries', () => {
    const bus = { length: 3, oldestAtMs: 0, newestAtMs: 60_000 }
    expect(checkBus(bus, 'shop', 120_000)).toMatchObject({
      level: 'ok',
      text: '3 entries in {shop}#bus, the newest 1 min old',
    })
  })

  test('that is missing means that nobody listens', () => {
    expect(checkBus(undefined, 'shop', 0)).toMatchObject({ level: 'warning', fix: expect.stringMatching(/--name/) })
  })

  test('may be of another type', () => {
    expect(checkBus('other', 'shop', 0)).toMatchObject({
      level: 'wrong',
      fix: expect.stringMatching(/UNLINK '\{shop\}#bus'/),
    })
  })
})

describe('the rights of a user', () => {
  const GUIDE = readFileSync(new URL('../../../docs/guides/security.md', import.meta.url), 'utf8')
  const inGuide = (line: RegExp): string[] =>
    [...(line.exec(GUIDE)?.[1] ?? '').matchAll(/\+([a-z|]+)/g)].map(([, name = '']) => name)
  const named = (need: string): string[] =>
    rightsOf('shop')
      .flatMap((right) => (right.need === need ? [right.name] : []))
      .sort()

  test('are those of the security guide', () => {
    expect(named('always')).toEqual(inGuide(/^\s*(ACL SETUSER shop .*)$/m).sort())
    expect(named('Redis Cluster')).toEqual(inGuide(/^\s*- Redis Cluster: (.*)$/m).sort())
    expect(named('deleteByPrefix')).toEqual(inGuide(/^\s*- deleteByPrefix: (.*)$/m).sort())
    // Asked without SUBSCRIBE, which would turn the connection into a subscriber.
    expect([...named("bus: 'tracking'"), 'subscribe'].sort()).toEqual(inGuide(/^\s*- `bus: 'tracking'`: (.*)$/m).sort())
  })

  const asks = (refuses: (command: string, args: readonly string[]) => string | undefined): Ask => {
    return async (command, args) => refuses(command, args)
  }

  test('that are all there are one good finding', async () => {
    const findings = await checkRights(
      'shop',
      true,
      asks(() => undefined),
    )
    expect(findings).toEqual([{ level: 'ok', about: 'rights', text: 'every command that the cache sends is allowed' }])
  })

  test('that are missing are named, with the rule that gives them', async () => {
    const refuses = (command: string) =>
      /^(set|xadd|scan)$/.test(command) ? `no permissions to run the '${command}' command` : undefined
    const findings = await checkRights('shop', false, asks(refuses))
    expect(findings).toMatchObject([
      { level: 'wrong', fix: 'ACL SETUSER <user> +set +xadd' },
      { level: 'note', text: expect.stringMatching(/^deleteByPrefix needs/), fix: expect.stringMatching(/\+scan/) },
    ])
  })

  test('on some keys only are named by the forms of the other keys', async () => {
    const refuses = (_: string, args: readonly string[]) =>
      args.some((arg) => arg.startsWith('{')) ? "no permissions to access the '{shop}' key" : undefined
    const findings = await checkRights('shop', false, asks(refuses))
    expect(findings).toMatchObject([
      { level: 'ok' },
      { level: 'wrong', text: expect.stringContaining('{shop}#t:tag'), fix: expect.stringContaining('~{shop}#*') },
    ])
    expect(findings[1]?.text).not.toContain('shop/namespace')
    expect(keyFormsOf('shop')).toHaveLength(7)
  })
})
