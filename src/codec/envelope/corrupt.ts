// Why bytes are not an entry: the reasons that the event `corrupt` names.

/** Why bytes are not an entry that can be used. All but `'later-format'` mean that nobody can use them. */
export type CorruptReason =
  /** Shorter than a stamp, or without its first bytes: another program's. */
  | 'foreign'
  /** The stamp's own checksum does not fit. */
  | 'damaged-stamp'
  /** A lease or a fence. Ask `stateOf` first. */
  | 'not-an-entry'
  /** A newer release wrote it. Not damage: leave it alone. */
  | 'later-format'
  /** Truncated, changed, or the bytes of another key. */
  | 'checksum'
  /** Intact, but not as this format is laid out. */
  | 'malformed'
  /** The key kept in the envelope is another one. */
  | 'other-key'
  | 'unknown-codec'
  | 'unknown-compressor'
  /** It is encrypted and this cache has no keys, or it is not and this cache has. */
  | 'encryption-mismatch'
  /** Encrypted with a key that this cache does not have. */
  | 'unknown-key-id'
  /** The authentication tag or the stamp does not fit: changed, moved from another key, or made live again. */
  | 'not-authentic'
  /** It says that it is larger than `maxValueBytes`, or it has more tags or a longer etag than an entry may have. */
  | 'too-large'
  /** Its payload cannot be decompressed to what it says. */
  | 'bad-compression'
  /** It holds a value of an extension that this cache does not have. */
  | 'unknown-extension'
  /** Its payload cannot be decoded. */
  | 'undecodable'

export interface Corrupt {
  readonly corrupt: CorruptReason
}
