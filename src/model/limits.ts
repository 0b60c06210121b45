// Limits that several rooms share. docs/guides/values.md, docs/guides/security.md and docs/api.md list them.

/** The default of `maxValueBytes`: the largest value, encoded and before compression. */
export const DEFAULT_MAX_VALUE_BYTES = 8 * 1024 * 1024

/** Tags of one entry. */
export const MAX_TAGS = 1_000

/** Characters of an etag. */
export const MAX_ETAG_CHARACTERS = 4_096

/** The longest life of a lease, a fence or a hold. One that would live longer was not planted by a cache. */
export const LONGEST_LEASE_MS = 10 * 60_000

/** Characters of a key. */
export const MAX_KEY_CHARACTERS = 1024 * 1024

/** Characters of a tag. */
export const MAX_TAG_CHARACTERS = 1_024

/** Characters of a name or version. */
export const MAX_NAME_CHARACTERS = 128

/** Characters of a scope: the names from the cache down to a namespace, together. */
export const MAX_SCOPE_CHARACTERS = 512

/** Paths of one cache whose reads, loads and changes are counted separately. Those of further ones are counted together. */
export const MAX_COUNTED_PATHS = 100

/** Paths of one cache that have series of their own in metrics. */
export const MAX_METRIC_NAMESPACES = 20
