// Bounds that several rooms hold to. docs/guides/values.md and docs/guides/security.md name them.

/** The largest value, encoded and before compression, unless `maxValueBytes` says otherwise. */
export const DEFAULT_MAX_VALUE_BYTES = 8 * 1024 * 1024

/** Tags of one entry. */
export const MAX_TAGS = 1_000

/** Characters of an etag. */
export const MAX_ETAG_CHARACTERS = 4_096
