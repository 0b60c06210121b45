// The rights that the SDK needs in Redis: the commands and keys of docs/guides/security.md, and whether a user has them.
import type { Redis } from 'ioredis'
import type { Send } from '../connection/client.js'
import { busKey } from '../connection/names.js'
import { type Finding, found } from './finding.js'
import { isRefused } from './info.js'

/** What needs a right. Without `always` the cache works, except for that feature. */
export type Need = 'always' | 'Redis Cluster' | 'deleteByPrefix' | "bus: 'tracking'"

/** A command, as an ACL rule names it, with arguments with which it changes nothing even if it is executed. */
export interface Right {
  readonly name: string
  readonly need: Need
  readonly args: readonly string[]
}

/** A key that no cache uses: nothing stands there. */
const probeKeyOf = (path: string): string => `${path}:tiercache-doctor`

/**
 * Redis checks rights before it looks at the arguments. So arguments that it refuses show whether a user has the right, and change nothing.
 * `SUBSCRIBE` is not among them: it would turn the connection into a subscriber.
 */
export function rightsOf(path: string): readonly Right[] {
  const key = probeKeyOf(path)
  const bus = busKey(path)
  const always = (name: string, ...args: string[]): Right => ({ name, need: 'always', args })
  const needed = (need: Need, name: string, ...args: string[]): Right => ({ name, need, args })
  return [
    always('client|id'),
    always('client|kill', 'ID', '0'),
    always('client|setname', 'a name with spaces'),
    always('eval', 'return 1', '0'),
    always('evalsha', '0'.repeat(40), '0'),
    always('get', key),
    always('getrange', key, '0', '0'),
    always('hello'),
    always('info', 'server'),
    always('mget', key),
    always('pexpire', key, 'never'),
    always('pttl', key),
    always('script|load', 'return 1'),
    always('set', key, 'value', 'NOSUCHOPTION'),
    always('setrange', key, '-1', 'value'),
    always('strlen', key),
    always('time'),
    always('unlink', key),
    always('xadd', bus, 'no-id', 'm', 'value'),
    always('xrange', bus, '-', '+', 'COUNT', '1'),
    always('xread', 'COUNT', '1', 'STREAMS', bus, '$'),
    needed('Redis Cluster', 'cluster|info'),
    needed('Redis Cluster', 'cluster|slots'),
    needed('deleteByPrefix', 'scan', 'no-cursor'),
    needed("bus: 'tracking'", 'client|tracking', 'perhaps'),
    needed("bus: 'tracking'", 'ping'),
  ]
}

/** One key of every form that stands in Redis. */
export function keyFormsOf(path: string): readonly string[] {
  const key = probeKeyOf(path)
  const inner = `${path}/namespace@1:tiercache-doctor`
  return [key, inner, `${path}#c{${key}}`, `${path}#r:0`, `{${path}}#t:tag`, `{${path}}#c:${path}`, busKey(path)]
}

/** Says why a command is not allowed; `undefined` if it is. */
export type Ask = (command: string, args: readonly string[]) => Promise<string | undefined>

/** Checks the commands and then the forms of keys. `allowed` names how it was checked. */
export async function checkRights(path: string, isCluster: boolean, ask: Ask): Promise<readonly Finding[]> {
  const refused: Right[] = []
  for (const right of rightsOf(path)) {
    if (right.need === 'Redis Cluster' && !isCluster) continue
    const reason = await ask(right.name, right.args)
    // A refusal that names a key is about keys, which are checked below.
    if (reason !== undefined && !/\bkeys?\b/.test(reason)) refused.push(right)
  }
  const keys: string[] = []
  if (!refused.some(({ name }) => name === 'get')) {
    for (const key of keyFormsOf(path)) if ((await ask('get', [key])) !== undefined) keys.push(key)
  }
  return [...commandFindings(refused), ...keyFindings(keys, path)]
}

function commandFindings(refused: readonly Right[]): readonly Finding[] {
  if (refused.length === 0) return [found('ok', 'rights', 'every command that the cache sends is allowed')]
  const needs = [...new Set(refused.map(({ need }) => need))]
  return needs.map((need) => {
    const names = refused.filter((right) => right.need === need).map(({ name }) => `+${name}`)
    const isVital = need === 'always' || need === 'Redis Cluster'
    const what = isVital
      ? 'the cache needs commands that this user may not run'
      : `${need} needs commands that this user may not run`
    return {
      ...found(isVital ? 'wrong' : 'note', 'rights', `${what}: ${names.map((name) => name.slice(1)).join(', ')}`),
      fix: `ACL SETUSER <user> ${names.join(' ')}${isVital ? '' : ', if you use it'}`,
    }
  })
}

function keyFindings(keys: readonly string[], path: string): readonly Finding[] {
  if (keys.length === 0) return []
  return [
    {
      ...found('wrong', 'rights', `this user may not use keys of these forms: ${keys.join(', ')}`),
      fix: `ACL SETUSER <user> ~${path}:* ~${path}/* ~${path}#* ~{${path}}#*`,
    },
  ]
}

/** Asks with `ACL DRYRUN`, which executes nothing. Rejects if this user may not, or if the server does not know it (before Redis 7). */
export async function dryRunAsk(send: Send, server: Redis, user: string, keyPrefix: string): Promise<Ask> {
  await send(server, 'ACL', 'DRYRUN', user, 'TIME')
  return async (command, args) => {
    const reply = await send(
      server,
      'ACL',
      'DRYRUN',
      user,
      ...command.split('|'),
      ...prefixed(command, args, keyPrefix),
    )
    return reply === 'OK' ? undefined : String(reply)
  }
}

/** Asks by sending the command itself, with arguments that change nothing. */
export function probingAsk(send: Send, server: Redis, keyPrefix: string): Ask {
  return async (command, args) => {
    const [name = '', ...sub] = command.split('|')
    try {
      await send(server, name, ...sub, ...prefixed(command, args, keyPrefix))
      return undefined
    } catch (error) {
      // Any other refusal comes after the check of the rights.
      if (isRefused(error)) return (error as Error).message
      if (isReply(error)) return undefined
      throw error
    }
  }
}

function isReply(error: unknown): boolean {
  return error instanceof Error && error.name === 'ReplyError'
}

/** Where the key stands among the arguments of the commands above. */
const KEY_AT: Readonly<Record<string, number>> = {
  ...{
    get: 0,
    getrange: 0,
    mget: 0,
    pexpire: 0,
    pttl: 0,
    set: 0,
    setrange: 0,
    strlen: 0,
    unlink: 0,
    xadd: 0,
    xrange: 0,
  },
  xread: 3,
}

function prefixed(command: string, args: readonly string[], keyPrefix: string): string[] {
  const at = KEY_AT[command]
  return args.map((arg, i) => (i === at ? keyPrefix + arg : arg))
}
