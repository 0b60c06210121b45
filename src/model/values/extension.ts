// Data types of users: how a cache keeps what is no plain data, such as a Decimal or an ObjectId.
import { CacheError, show } from '../errors.js'
import { checkNames, invalid } from '../option-rules.js'

/**
 * A class of values that the cache is to keep: as it is in L1, as what `encode` returns in L2, also nested in other values.
 * `decode(encode(value))` must equal `value`, and no two calls of `decode` may return objects that share what can change.
 */
export interface Extension<T extends object = object> {
  /**
   * Stands in L2 beside each value: 1 to 64 characters of `A-Z a-z 0-9 _ . -`. Give another one, such as 'money.2', when what
   * `encode` returns changes its form: a process that does not know a name has a miss.
   */
  readonly name: string
  /** Whether `value` is of this class. Asked only of objects that are no plain data; must not throw. */
  is(value: object): boolean
  /** Plain data that says all of `value`; it may hold values of other extensions, but none that leads back to `value`. */
  encode(value: T): unknown
  /** The value of what `encode` returned. What it throws makes the entry a miss. */
  decode(data: unknown): T
}

const NAME = /^[A-Za-z0-9_.-]{1,64}$/
const METHODS = ['is', 'encode', 'decode'] as const

/** The extensions of a cache, checked. Throws `INVALID_OPTION`. */
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

/** The extension that `value` belongs to: the first one that says so. */
export function extensionOf(extensions: readonly Extension[], value: object): Extension | undefined {
  for (const extension of extensions) if (extension.is(value)) return extension
  return undefined
}
