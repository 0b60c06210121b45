// Labels: what an entry can be invalidated by besides its key. The user's tags and the scopes (which `clear()` clears) are labels.
import { randomBytes } from 'node:crypto'
import { MAX_SCOPE_CHARACTERS, MAX_TAGS } from './limits.js'
import type { Token } from './ports.js'

/**
 * The name of a label, the same for every store: `t:` + the user's tag, or `c:` + a scope such as `shop/catalog@3`.
 * An entry is current only while each of its labels still has the token that it had before the load of the entry began.
 */
export type Label = string

/** The label of a tag. */
export const tagLabel = (tag: string): Label => `t:${tag}`
/** The label of a scope. */
export const scopeLabel = (scope: string): Label => `c:${scope}`

/** The most labels of one entry: its tags and its scopes, each of which has at least two characters. */
export const MAX_LABELS = MAX_TAGS + MAX_SCOPE_CHARACTERS / 2

/** Whether a label is a tag, not a scope. */
export const isTag = (label: Label): boolean => label.startsWith('t:')

/** The tags among labels, as users write them. */
export const tagsAmong = (labels: readonly Label[]): string[] => labels.filter(isTag).map((label) => label.slice(2))

/** How the tokens of an entry compare with the current ones. A missing token is never current. */
export type Currency = 'current' | 'expired' | 'invalidated'

const HALF_DIGITS = 16

/** A new random token of 32 hex digits. Tokens are only compared for equality; they have no order. */
export function newToken(): Token {
  return randomBytes(HALF_DIGITS).toString('hex')
}

/** A new random soft half, for `expireLabel`. */
export function newSoftHalf(): string {
  return randomBytes(HALF_DIGITS / 2).toString('hex')
}

/** The token after a soft expiry: the same hard half with another soft half. */
export function withSoftHalf(token: Token, soft: string): Token {
  return token.slice(0, HALF_DIGITS) + soft
}

/** Compares a token of an entry with the current one of its label. If only the hard halves are equal, the label was soft-expired. */
export function compareTokens(carried: Token, current: Token | undefined): Currency {
  if (current === undefined) return 'invalidated'
  if (carried === current) return 'current'
  return carried.slice(0, HALF_DIGITS) === current.slice(0, HALF_DIGITS) ? 'expired' : 'invalidated'
}

/** The labels of an entry with the tokens that they had before its load began. Entries with the same labels and tokens share it. */
export interface LabelSet {
  readonly labels: readonly Label[]
  readonly tokens: readonly Token[]
}

/** The labels of an entry that has none. */
export const NO_LABELS: LabelSet = { labels: [], tokens: [] }
