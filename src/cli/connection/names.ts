// How the keys of one cache are called in Redis: docs/architecture.md, "What stands in Redis". Pure.

/** What a key of a cache is. `entry`: an entry, a lease to load it, or a write fence. */
export type KeyKind = 'entry' | 'tag token' | 'scope token' | 'change mark' | 'refresh lease' | 'bus'

export interface OwnKey {
  readonly kind: KeyKind
  /** Of an entry: its cache or namespace. Else the path of the cache. */
  readonly scope: string
}

/** The stream of announcements. The braces keep it in one cluster slot with the tokens. */
export function busKey(path: string): string {
  return `{${path}}#bus`
}

/** What `key` is to the cache with this path; `undefined` if it is not one of its keys. Names contain no `:`, `/`, `#` or `{`. */
export function ownKey(key: string, path: string): OwnKey | undefined {
  const shared = `{${path}}#`
  if (key.startsWith(shared)) return kindOfShared(key.slice(shared.length), path)
  if (!key.startsWith(path)) return undefined
  const rest = key.slice(path.length)
  if (rest.startsWith('#c')) return { kind: 'change mark', scope: path }
  if (rest.startsWith('#r:')) return { kind: 'refresh lease', scope: path }
  const colon = key.indexOf(':')
  if (colon === -1 || (rest[0] !== ':' && rest[0] !== '/')) return undefined
  return { kind: 'entry', scope: key.slice(0, colon) }
}

function kindOfShared(rest: string, path: string): OwnKey | undefined {
  if (rest === 'bus') return { kind: 'bus', scope: path }
  if (rest.startsWith('t:')) return { kind: 'tag token', scope: path }
  if (rest.startsWith('c:')) return { kind: 'scope token', scope: path }
  return undefined
}

/** The user's key in the name of an entry, or the tag in that of its token; `undefined` if only a hash of it stands there. */
export function decodedName(key: string): string | undefined {
  const encoded = key.slice(key.indexOf(':') + 1)
  if (encoded.startsWith('%#')) return undefined
  return encoded.replace(/%(7B|7D|25)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}

/** A SCAN pattern that fits every key of the cache, and few others. */
export function ownPattern(path: string, keyPrefix: string): string {
  const escaped = `${keyPrefix}`.replace(/[\\*?[\]^-]/g, '\\$&')
  return `${escaped}*${path}[}:/#]*`
}
