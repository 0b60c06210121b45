// Extensions: the user's classes that a cache can keep, such as Decimal or ObjectId.
import { CacheError, show } from '../errors.js'
import { checkNames, invalid } from '../option-rules.js'

/**
 * A class whose instances the cache can keep, alone or nested in other values: as they are in L1, and as the result of `encode` in L2.
 * `decode(encode(value))` must equal `value`. The results of two calls of `decode` must not share anything that can change.
 */
export interface Extension<T extends object = object> {
  /**
   * The name that is stored in L2 with each value: 1 to 64 characters of `A-Z a-z 0-9 _ . -`. Change it, for example to 'money.2', when the
   * result of `encode` changes its form: a process that does not know the name has a miss.
   */
  readonly name: string
  /** Whether `value` is of this class. Only called for objects that are not plain data. Must not throw. */
  is(value: object): boolean
  /** Returns plain data with everything in `value`. It may contain values of other extensions, but nothing that leads back to `value`. */
  encode(value: T): unknown
  /** Returns the value for a result of `encode`. If it throws, the entry is a miss. */
  decode(data: unknown): T
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/
const METHODS = ['is', 'encode', 'decode'] as const

/** Checks the extensions of a cache. Throws `INVALID_OPTION`. */
export function checkExtensions(extensions: unknown): readonly Extension[] {
  if (!Array.isArray(extensions)) throw invalid('extend', 'an array of { name, is, encode, decode }', extensions)
  const names = new Set<string>()
  return extensions.map((extension: unknown, i): Extension => {
    const what = `extend[${i}]`
    checkNames(extension, ['name', ...METHODS], what)
    const given = extension as Extension
    if (typeof given.name !== 'string' || !NAME.test(given.name))
      throw invalid(`${what}.name`, '1 to 64 characters of A-Z a-z 0-9 _ . -', given.name)
    for (const method of METHODS) {
      if (typeof given[method] !== 'function') throw invalid(`${what}.${method}`, 'a function', given[method])
    }
    if (names.has(given.name)) {
      throw new CacheError(
        'INVALID_OPTION',
        `the names in extend must differ; got ${show(given.name)} twice. Rename one`,
      )
    }
    names.add(given.name)
    return given
  })
}

/** The first extension whose `is` returns true for `value`. */
export function extensionOf(extensions: readonly Extension[], value: object): Extension | undefined {
  for (const extension of extensions) if (extension.is(value)) return extension
  return undefined
}
