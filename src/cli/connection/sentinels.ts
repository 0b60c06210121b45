// The options `--sentinel` and `--master`: a master whose address its sentinels know. Pure.
import { wrongUse } from '../output/failure.js'
import { type Credentials, credentialsIn } from './credentials.js'

/** The sentinels, and the name by which they know the master. */
export interface SentinelGroup {
  readonly addresses: readonly { readonly host: string; readonly port: number }[]
  readonly master: string
  /** How to log in at the sentinels themselves. */
  readonly credentials: Credentials
}

/** `undefined` without `--sentinel`. `given`: addresses, each option perhaps with several of them between commas. */
export function sentinelsOf(
  given: readonly string[] | undefined,
  master: string | undefined,
): SentinelGroup | undefined {
  if (given === undefined) {
    if (master === undefined) return undefined
    throw wrongUse('--master is the name of a master that sentinels watch. Add --sentinel host:26379')
  }
  const urls = given
    .flatMap((list) =>
      list
        .split(',')
        .map((text) => text.trim())
        .filter(Boolean),
    )
    .map(urlOf)
  const [first] = urls
  if (first === undefined) throw noAddress()
  if (master === undefined || master === '') {
    throw wrongUse('No master is named. Add --master with its name; SENTINEL MASTERS lists the names')
  }
  const addresses = urls.map(({ hostname, port }) => ({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 26379),
  }))
  return { addresses, master, credentials: credentialsIn(first) }
}

/** `host:port`, or a URL if the sentinel wants a password or TLS. */
function urlOf(text: string): URL {
  const url = /^\w+:\/\//.test(text) ? text : `redis://${text}`
  if (/^rediss?:/.test(url) && URL.canParse(url)) return new URL(url)
  throw noAddress()
}

/** It shows no address, which may contain a password. */
function noAddress(): Error {
  return wrongUse(
    '--sentinel must be host:port, or several between commas; redis://user:password@host:port if it wants a password',
  )
}
