// Header fields as Node gives them, and the few ways to read them that the rules need.

/** Header fields by lower-case name. A field that came in several lines is an array, or one string joined with commas. */
export type Fields = Readonly<Record<string, string | readonly string[] | undefined>>

/** The value of a field as one string, its lines joined with commas (RFC 9110 §5.3); `undefined` if it is absent. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  const value = fields[name]
  return typeof value === 'object' ? value.join(', ') : value
}

/** The members of a field that is a list of tokens (RFC 9110 §5.6.1), in lower case, without empty members. */
export function tokensOf(value: string | undefined): string[] {
  if (value === undefined) return []
  const members = value.split(',').map((member) => member.trim().toLowerCase())
  return members.filter((member) => member !== '')
}

/** The members of a list whose commas may stand in quoted strings, such as entity tags (RFC 9110 §5.6.1 and §5.6.4). */
export function membersOf(value: string): string[] {
  const members = value.match(/(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g) ?? []
  return members.map((member) => member.trim()).filter((member) => member !== '')
}
