// Labels: what an entry can be invalidated by besides its key. A tag of the user's and a scope (what `clear()` clears) are both labels.
import { randomBytes } from 'node:crypto'
import { MAX_SCOPE_CHARACTERS, MAX_TAGS } from './limits.js'
import type { Token } from './ports.js'

/**
 * The store-independent name of a label: `t:` + the user's tag, or `c:` + a scope such as `shop/catalog@3`.
 * An entry is current only while every one of its labels still has the token that it had before the entry's load began.
 */
export type Label = string

export const tagLabel = (tag: string): Label => `t:${tag}`
export const scopeLabel = (scope: string): Label => `c:${scope}`

/** Of one entry: its tags, and its scopes, each of which has two characters at least. */
export const MAX_LABELS = MAX_TAGS + MAX_SCOPE_CHARACTERS / 2

/** Whether a label is a tag, not a scope. */
export const isTag = (label: Label): boolean => label.startsWith('t:')

/** How an entry's tokens compare with the current ones. A missing token is never current. */
export type Currency = 'current' | 'expired' | 'invalidated'

const HALF_DIGITS = 16

/** A fresh random token, 32 hex digits. Only equality means anything; no clock and no counter orders tokens. */
export function newToken(): Token {
  return randomBytes(HALF_DIGITS).toString('hex')
}

/** A fresh soft half, for `expireLabel`. */
export function newSoftHalf(): string {
  return randomBytes(HALF_DIGITS / 2).toString('hex')
}

/** The token after a soft expiry. */
export function withSoftHalf(token: Token, soft: string): Token {
  return token.slice(0, HALF_DIGITS) + soft
}

/** Compares one token of an entry with the current one of its label. Equal hard halves only: the label was softly expired. */
export function compareTokens(carried: Token, current: Token | undefined): Currency {
  if (current === undefined) return 'invalidated'
  if (carried === current) return 'current'
  return carried.slice(0, HALF_DIGITS) === current.slice(0, HALF_DIGITS) ? 'expired' : 'invalidated'
}

/** The labels of an entry with the tokens that they had before its load began; shared between entries that carry the same. */
export interface LabelSet {
  readonly labels: readonly Label[]
  readonly tokens: readonly Token[]
}

export const NO_LABELS: LabelSet = { labels: [], tokens: [] }
