// Which cache on which Redis: the options that every command has, and their values. Pure but for the key file.
import { readFileSync } from 'node:fs'
import type { EncryptOptions } from '../../index.js'
import { wrongUse } from '../output/failure.js'
import { nameText } from '../output/text.js'
import { type SentinelGroup, sentinelsOf } from './sentinels.js'

/** A name with its version, as paths show it: `catalog@3`. */
export interface VersionedName {
  readonly name: string
  readonly version: string | undefined
}

/** Where the cache is. */
export interface Settings {
  /** With a cluster: some of its nodes. With sentinels: at most one, of which the address is not used. */
  readonly urls: readonly string[]
  readonly isCluster: boolean
  readonly sentinels: SentinelGroup | undefined
  readonly keyPrefix: string
  readonly cache: VersionedName
  /** Outermost first. */
  readonly namespaces: readonly VersionedName[]
  /** The option `version` of single calls. */
  readonly entryVersion: string | undefined
  readonly timeoutMs: number
  readonly encrypt: EncryptOptions | undefined
}

/** The values of the common options, as they were typed. */
export interface CommonValues {
  readonly url?: readonly string[] | undefined
  readonly cluster?: boolean | undefined
  readonly sentinel?: readonly string[] | undefined
  readonly master?: string | undefined
  readonly 'key-prefix'?: string | undefined
  readonly name?: string | undefined
  readonly namespace?: string | undefined
  readonly 'entry-version'?: string | undefined
  readonly timeout?: string | undefined
  readonly 'encryption-key-file'?: string | undefined
}

const URL_FORM = /^(rediss?:\/\/|\/)/

/** Throws a `Failure` with exit code 2 for what cannot be meant. No message shows a URL: it may contain a password. */
export function settingsOf(values: CommonValues, env: Readonly<Record<string, string | undefined>>): Settings {
  const urls = values.url ?? (env.REDIS_URL === undefined ? [] : [env.REDIS_URL])
  const name = values.name ?? env.TIERCACHE_NAME
  const sentinels = sentinelsOf(values.sentinel, values.master)
  if (sentinels !== undefined && values.cluster === true) {
    throw wrongUse('A cluster has no sentinels. Leave out --sentinel or --cluster')
  }
  if (sentinels !== undefined && urls.some((url) => !URL.canParse(url))) {
    throw wrongUse(
      'With --sentinel a URL says user, password and database: --url redis://user:password@any/0. Or leave it out',
    )
  }
  if (urls.length === 0 && sentinels === undefined) {
    throw wrongUse('No Redis is named. Add --url redis://localhost:6379, or set the variable REDIS_URL')
  }
  if (urls.some((url) => !URL_FORM.test(url))) {
    throw wrongUse(
      'A URL must begin with redis:// or rediss://, or be the path of a socket. Write --url redis://localhost:6379',
    )
  }
  if (urls.length > 1 && values.cluster !== true) {
    throw wrongUse('Several URLs are the nodes of a cluster. Add --cluster, or give one --url')
  }
  if (name === undefined || name === '') {
    throw wrongUse(
      'No cache is named. Add --name with the option name of createCache, or set the variable TIERCACHE_NAME',
    )
  }
  return {
    urls,
    isCluster: values.cluster === true,
    sentinels,
    keyPrefix: values['key-prefix'] ?? '',
    cache: versionedName(name),
    namespaces: (values.namespace ?? '').split('/').filter(Boolean).map(versionedName),
    entryVersion: values['entry-version'],
    timeoutMs: durationMs(values.timeout ?? '5s', '--timeout'),
    encrypt: readEncryption(values['encryption-key-file']),
  }
}

/** `catalog@3` is the name `catalog` with the version 3, as events and logs write it. */
export function versionedName(text: string): VersionedName {
  const at = text.indexOf('@')
  return at === -1 ? { name: text, version: undefined } : { name: text.slice(0, at), version: text.slice(at + 1) }
}

const FACTORS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** A duration above 0 as users write it: `250ms`, `5s`, `10m`, or a number of milliseconds. */
export function durationMs(text: string, option: string): number {
  const [, count = '', unit = 'ms'] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)?$/.exec(text) ?? []
  const ms = Number(count) * (FACTORS[unit] as number)
  if (count !== '' && ms > 0) return ms
  throw wrongUse(`${option} must be a duration above 0, such as 250ms, 5s or 10m; got ${nameText(text)}`)
}

/** A whole number above 0. */
export function countOf(text: string, option: string): number {
  const count = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(count) && count > 0) return count
  throw wrongUse(`${option} must be a whole number above 0; got ${nameText(text)}`)
}

/** The file holds the option `encrypt` of `redisTier` as JSON. No message shows its contents. */
function readEncryption(file: string | undefined): EncryptOptions | undefined {
  if (file === undefined) return undefined
  const form = `{ "active": "2025", "keys": { "2025": "<32 bytes in base64>" } }, the option encrypt of redisTier as JSON`
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw wrongUse(`The file of --encryption-key-file cannot be read. It must exist and contain ${form}`, cause)
  }
  try {
    const encrypt: unknown = JSON.parse(text)
    if (encrypt !== null && typeof encrypt === 'object') return encrypt as EncryptOptions
  } catch {
    // The error of JSON.parse may repeat a part of the file, which contains keys.
  }
  throw wrongUse(`The file of --encryption-key-file must contain ${form}`)
}
