// Keys: from a user's key to the name of its entry in memory (local key) and in the store (store key), and back.
// Names in a scope cannot contain ':', '@', '/', '{' or '#', so each of these characters separates parts without ambiguity.
import { CacheError, show } from '../errors.js'
import { type Label, scopeLabel } from '../labels.js'
import { MAX_KEY_CHARACTERS, MAX_NAME_CHARACTERS, MAX_SCOPE_CHARACTERS } from '../limits.js'
import { isWellFormed } from '../text/well-formed.js'
import { hashInShortened, isShortened, LONGEST_WHOLE, sha256Of, shortened } from './long-key.js'

/** A cache, one of its namespaces, or one version of either. A user's key is relative to it. */
export interface Space {
  /** Such as `shop`, `shop/catalog@3`, or `shop/catalog/@3` for the version of single calls. */
  readonly scope: string
  /** The scope of the cache itself. It names everything that the whole cache shares. */
  readonly rootName: string
  /** What precedes a user's key in its local key; empty in the cache itself. */
  readonly localPrefix: string
  /** The labels that `clear()` of this scope and of each scope above it invalidates, outermost first. */
  readonly scopeLabels: readonly Label[]
}

/** A version: a number, or a string of the characters `[A-Za-z0-9_.-]`. 3 and '3' are the same version. */
export type Version = number | string

const SEGMENT = /^[A-Za-z0-9_.-]+$/
const NUL = '\0'
const HASH_TAG = /\{[^}]+\}/

/** Whether `name` can be part of a scope. */
export function isName(name: unknown): name is string {
  return typeof name === 'string' && name.length <= MAX_NAME_CHARACTERS && SEGMENT.test(name)
}

/** Returns `name` if it can be part of a scope; else throws `INVALID_KEY`. `what` says in the message which name it is. */
export function checkName(name: unknown, what: string): string {
  if (isName(name)) return name
  throw new CacheError(
    'INVALID_KEY',
    `${what} must be 1 to ${MAX_NAME_CHARACTERS} of A-Z a-z 0-9 _ . - because Redis keys begin with it; got ${show(name)}`,
  )
}

/** The space of a cache. Another version is another cache, with its own entries, tags, bus and `clear()`. */
export function rootSpace(name: string, version?: Version): Space {
  const scope = checkName(name, 'the name of a cache') + versionSuffix(version)
  return { scope, rootName: scope, localPrefix: '', scopeLabels: [scopeLabel(scope)] }
}

/** The space of a namespace. `clear()` of `parent` includes it; `clear()` of another version of it does not. */
export function childSpace(parent: Space, name: string, version?: Version): Space {
  return under(parent, checkName(name, 'the name of a namespace') + versionSuffix(version))
}

/**
 * The space of calls with the option `version`. It lies below `space`, so that `clear()` of the caller's cache or namespace includes it.
 * The version of a call replaces one that `space` has from an earlier call.
 */
export function versionedSpace(space: Space, version: Version): Space {
  const cut = space.scope.lastIndexOf('/@')
  const base =
    cut === -1 ? space : { ...space, scope: space.scope.slice(0, cut), scopeLabels: space.scopeLabels.slice(0, -1) }
  return under(base, versionSuffix(version))
}

function under(parent: Space, segment: string): Space {
  const scope = `${parent.scope}/${segment}`
  if (scope.length > MAX_SCOPE_CHARACTERS) {
    throw new CacheError(
      'INVALID_KEY',
      `the names of a namespace and of all above it must have at most ${MAX_SCOPE_CHARACTERS} characters together, because Redis keys ` +
        `begin with them; got ${scope.length}. Use shorter names, or fewer levels`,
    )
  }
  return {
    scope,
    rootName: parent.rootName,
    localPrefix: prefixOf(scope),
    scopeLabels: [...parent.scopeLabels, scopeLabel(scope)],
  }
}

function prefixOf(scope: string): string {
  return `${NUL}${scope}:`
}

function versionSuffix(version: Version | undefined): string {
  if (version === undefined) return ''
  const text = typeof version === 'number' && Number.isFinite(version) ? String(version) : version
  return `@${checkName(text, 'version')}`
}

/**
 * The identity of an entry inside this process. In the cache itself it is the user's string, unchanged, so a hit there concatenates
 * nothing. In a namespace, and for a key that begins with NUL, it begins with NUL. A long key is shortened.
 */
export function localKey(space: Space, userKey: string): string {
  if (typeof userKey !== 'string') throw invalidKey(userKey)
  const key = userKey.length > LONGEST_WHOLE ? shortened(checkLength(userKey)) : userKey
  if (space.localPrefix !== '') return space.localPrefix + key
  return key.charCodeAt(0) === 0 ? `${NUL}${NUL}${key}` : key
}

function checkLength(userKey: string): string {
  if (userKey.length <= MAX_KEY_CHARACTERS) return userKey
  throw new CacheError(
    'INVALID_KEY',
    `a key must have at most ${MAX_KEY_CHARACTERS} characters; got ${userKey.length}. Use a hash of it as the key`,
  )
}

function invalidKey(key: unknown): CacheError {
  return new CacheError(
    'INVALID_KEY',
    `a key must be a string; got ${show(key)}. Write it as a string, such as \`user:\${id}\``,
  )
}

/** The user's key in a local key. A long one is shortened. */
export function userKeyOf(localKey: string): string {
  if (localKey.charCodeAt(0) !== 0) return localKey
  return localKey.charCodeAt(1) === 0 ? localKey.slice(2) : localKey.slice(localKey.indexOf(':') + 1)
}

/** The scope of a local key. */
export function scopeOf(localKey: string, rootName: string): string {
  if (localKey.charCodeAt(0) !== 0 || localKey.charCodeAt(1) === 0) return rootName
  return localKey.slice(1, localKey.indexOf(':'))
}

/**
 * The full key, `<scope>:<user key>`, not encoded. An envelope is bound to it. A long key is shortened here too. In a namespace it is the
 * local key without its NUL.
 */
export function fullKeyOf(localKey: string, rootName: string): string {
  if (localKey.charCodeAt(0) !== 0) return `${rootName}:${localKey}`
  return localKey.charCodeAt(1) === 0 ? `${rootName}:${localKey.slice(2)}` : localKey.slice(1)
}

/** The key of an entry in the store. */
export function storeKeyOf(localKey: string, rootName: string): string {
  return `${scopeOf(localKey, rootName)}:${encodePart(userKeyOf(localKey))}`
}

/** The common prefix of the store keys of all readable keys that begin with `prefix`; `undefined` if `prefix` itself would be hashed. */
export function storePrefixOf(space: Space, prefix: string): string | undefined {
  const encoded = encodePart(prefix)
  return encoded.startsWith(HASH_MARK) ? undefined : `${space.scope}:${encoded}`
}

/** The common prefix of the store keys of all keys that are hashed in the store. */
export function hashedPrefixOf(space: Space): string {
  return `${space.scope}:${HASH_MARK}`
}

/** The key of a label's token. The braces put all tokens and the bus of a cache into one cluster slot. */
export function tokenKeyOf(label: Label, rootName: string): string {
  return `{${rootName}}#${label.slice(0, 2)}${encodePart(label.slice(2))}`
}

/** The key of the stream of announcements. */
export function busKeyOf(rootName: string): string {
  return `{${rootName}}#bus`
}

/** The key that shows when the last hold of a label ends or has ended. */
export function holdsKeyOf(rootName: string): string {
  return `{${rootName}}#holds`
}

/** The key of the lease beside a usable entry that is being refreshed. */
export function leaseKeyOf(rootName: string, generationHex: string): string {
  return `${rootName}#r:${generationHex}`
}

/**
 * The key of an entry's change mark, in the cluster slot of the entry. `keyPrefix` is what the client puts before every key. Unless it has
 * a hash tag, the braces must contain the whole key of the entry.
 */
export function markKeyOf(storeKey: string, rootName: string, keyPrefix: string): string {
  return HASH_TAG.test(keyPrefix) ? `${rootName}#c:${storeKey}` : `${rootName}#c{${keyPrefix}${storeKey}}`
}

/** The key of a recording of a stream, in the cluster slot of its entry. See `markKeyOf`. */
export function recordingKeyOf(storeKey: string, id: string, rootName: string, keyPrefix: string): string {
  const isTagged = HASH_TAG.test(keyPrefix)
  return isTagged ? `${rootName}#s:${storeKey}:${id}` : `${rootName}#s{${keyPrefix}${storeKey}}:${id}`
}

/**
 * The local key or the label that a store key stands for. `undefined` if the key does not belong to this cache, or if it is hashed and
 * cannot be decoded (see `isHashedStoreKey`).
 */
export function decodeStoreKey(storeKey: string, rootName: string): string | { readonly label: Label } | undefined {
  const tokenPrefix = `{${rootName}}#`
  if (storeKey.startsWith(tokenPrefix)) return decodeLabel(storeKey.slice(tokenPrefix.length))
  const colon = storeKey.indexOf(':')
  if (colon === -1) return undefined
  const scope = storeKey.slice(0, colon)
  const userKey = decodePart(storeKey.slice(colon + 1))
  if (userKey === undefined) return undefined
  if (scope === rootName) return userKey.charCodeAt(0) === 0 ? `${NUL}${NUL}${userKey}` : userKey
  return scope.startsWith(`${rootName}/`) ? prefixOf(scope) + userKey : undefined
}

function decodeLabel(encoded: string): { readonly label: Label } | undefined {
  const kind = encoded.slice(0, 2)
  const name = decodePart(encoded.slice(2))
  return name === undefined || (kind !== 't:' && kind !== 'c:') ? undefined : { label: kind + name }
}

/** Whether the store key of an entry or token contains a hash in place of the user's key or tag. */
export function isHashedStoreKey(storeKey: string): boolean {
  return storeKey.startsWith(HASH_MARK, storeKey.indexOf(':') + 1)
}

/** A user's key or tag of more bytes of UTF-8 is hashed. */
const READABLE_BYTES = 512
/** No readable part begins like this, since a literal `%` is always written as `%25`. */
const HASH_MARK = '%#'
const SPECIAL = /[{}%]/g
const PLAIN = /^[^{}%\ud800-\udfff]*$/

function encodePart(text: string): string {
  if (isShortened(text)) return HASH_MARK + hashInShortened(text)
  // One UTF-16 unit takes at most 3 bytes.
  if (text.length * 3 <= READABLE_BYTES && PLAIN.test(text)) return text
  if (text.length > READABLE_BYTES || !isWellFormed(text)) return hash(text)
  const encoded = text.replace(SPECIAL, escapeOf)
  return Buffer.byteLength(encoded) > READABLE_BYTES ? hash(text) : encoded
}

function hash(text: string): string {
  return HASH_MARK + sha256Of(text)
}

function escapeOf(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function decodePart(encoded: string): string | undefined {
  if (!encoded.includes('%')) return encoded
  if (/%(?!7B|7D|25)/.test(encoded)) return undefined
  return encoded.replace(/%(7B|7D|25)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
}
