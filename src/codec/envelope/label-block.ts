// The labels of an entry in its header: the tokens of its scopes, whose names follow from the key, then its tags, each with its token.
import { type Label, type LabelSet, NO_LABELS, tagLabel } from '../../model/labels.js'
import { MAX_TAGS } from '../../model/limits.js'
import type { Bytes, Token } from '../../model/ports.js'
import { FieldReader, type FieldWriter, TOKEN_BYTES } from './wire-fields.js'

/** Writes the labels, of which the first `scopeCount` are scopes. */
export function writeLabels(out: FieldWriter, { labels, tokens }: LabelSet, scopeCount: number): void {
  out.varint(scopeCount)
  for (let i = 0; i < scopeCount; i++) out.token(tokens[i]!)
  out.varint(labels.length - scopeCount)
  for (let i = scopeCount; i < labels.length; i++) {
    out.string(labels[i]!.slice(2))
    out.token(tokens[i]!)
  }
}

/** Passes over a label block; returns what is wrong if it has not as many scopes as the key has (where that is known), or too many tags. */
export function skipLabels(
  fields: FieldReader,
  knownScopes: number | undefined,
): 'malformed' | 'too-large' | undefined {
  const scopeCount = fields.varint()
  if (knownScopes !== undefined && scopeCount !== knownScopes) return 'malformed'
  fields.skip(scopeCount * TOKEN_BYTES)
  const tagCount = fields.varint()
  if (tagCount > MAX_TAGS) return 'too-large'
  for (let tags = tagCount; tags > 0; tags--) {
    fields.skipString()
    fields.skip(TOKEN_BYTES)
  }
  return undefined
}

/** The labels of the block in `bytes` at `from`, that `skipLabels` accepted. The first ones are `scopeLabels`. */
export function readLabels(bytes: Bytes, from: number, scopeLabels: readonly Label[]): LabelSet {
  const fields = new FieldReader(bytes, from)
  const labels: Label[] = [...scopeLabels]
  const tokens: Token[] = []
  for (let scopes = fields.varint(); scopes > 0; scopes--) tokens.push(fields.token())
  for (let tags = fields.varint(); tags > 0; tags--) {
    labels.push(tagLabel(fields.string()))
    tokens.push(fields.token())
  }
  return labels.length === 0 ? NO_LABELS : { labels, tokens }
}
