// Which of several responses of one resource a request gets (RFC 9111 §4.1).
import { type Fields, fieldOf, tokensOf } from './fields.js'

/** The names in `Vary`, in lower case, sorted, each once. */
export function varyNames(fields: Fields): string[] {
  return [...new Set(tokensOf(fieldOf(fields, 'vary')))].sort()
}

/**
 * The selecting values of a request for these names, as one string: two requests with the same string get the same response. Values are
 * normalised as far as their syntax is known, so that the order and the spelling of clients make no variants.
 */
export function selectingValues(names: readonly string[], request: Fields): string {
  return names.map((name) => `${name}:${encodeURIComponent(normalised(name, fieldOf(request, name)))}`).join('&')
}

/** A field that is absent differs from every value (RFC 9111 §4.1), the empty one included. */
function normalised(name: string, value: string | undefined): string {
  if (value === undefined) return '-'
  if (name === 'accept-language' || name === 'accept-encoding') return `=${weighted(value)}`
  return `=${value
    .split(',')
    .map((member) => member.trim())
    .join(',')}`
}

/** Members of a list with weights (RFC 9110 §12.4.2), in lower case, the most wanted first, those of one weight by name. */
function weighted(value: string): string {
  const members = tokensOf(value).map((member) => {
    const [token = '', ...parameters] = member.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
    return { token, weight: weight === undefined ? 1 : Number(weight) || 0 }
  })
  members.sort((a, b) => b.weight - a.weight || (a.token < b.token ? -1 : 1))
  return members.map(({ token, weight }) => (weight === 1 ? token : `${token};q=${weight}`)).join(',')
}
